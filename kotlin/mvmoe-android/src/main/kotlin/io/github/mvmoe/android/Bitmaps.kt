@file:JvmName("Bitmaps")

package io.github.mvmoe.android

import android.graphics.Bitmap
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.PixelFormat
import io.github.mvmoe.preprocessing.Plane
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Bytes of a pixel. */
private const val BYTES = 4

/** As many rows at once as are little memory beside the copy. */
private const val PIXELS_AT_ONCE = 1 shl 16

/**
 * A copy of a bitmap's pixels, from the graphics card too (`HARDWARE`).
 *
 * They are in sRGB whatever the bitmap's colour space, and as they were before they were multiplied by their alpha, if they were.
 * (Under alpha 0 nothing is left of a colour then.) For frames of a camera `Image.toPixelBuffer` copies nothing.
 *
 * @param orientation EXIF's number, 1 to 8, for a bitmap that is not upright.
 * @throws ImageException for a bitmap that was recycled (`image.invalid`), or has no colours but alpha
 * (`image.unsupported-samples`).
 * @throws ResourceLimitException where there is no memory for the copy (`limit.memory`).
 */
@JvmOverloads
public fun Bitmap.toPixelBuffer(orientation: Int = 1): PixelBuffer {
    requireColours(this)
    try {
        return if (config == Bitmap.Config.HARDWARE) ofHardware(this, orientation) else copied(this, orientation)
    } catch (error: OutOfMemoryError) {
        throw ResourceLimitException(
            ErrorCode.LIMIT_MEMORY,
            "a bitmap of $width x $height pixels needs more memory than there is; give a smaller one, or decode the picture by Pictures",
            cause = error,
        )
    }
}

private fun requireColours(bitmap: Bitmap) {
    if (bitmap.isRecycled) throw ImageException(ErrorCode.IMAGE_INVALID, "a recycled bitmap was given; give one that has its pixels")
    if (bitmap.config != Bitmap.Config.ALPHA_8) return
    throw ImageException(
        ErrorCode.IMAGE_UNSUPPORTED_SAMPLES,
        "a bitmap of the config ALPHA_8 was given, which has no colours; give one of ARGB_8888",
    )
}

private fun ofHardware(
    bitmap: Bitmap,
    orientation: Int,
): PixelBuffer {
    // Only a copy has pixels that can be read.
    val readable = bitmap.copy(Bitmap.Config.ARGB_8888, false) ?: throw OutOfMemoryError("no copy of a HARDWARE bitmap")
    try {
        return copied(readable, orientation)
    } finally {
        readable.recycle()
    }
}

private fun copied(
    bitmap: Bitmap,
    orientation: Int,
): PixelBuffer {
    val (width, height) = bitmap.width to bitmap.height
    val bytes = allocate(width, height)
    // A pixel is 0xAARRGGBB: blue first in the order of little endian.
    val into = bytes.order(ByteOrder.LITTLE_ENDIAN).asIntBuffer()
    val rows = (PIXELS_AT_ONCE / width).coerceIn(1, height)
    val some = IntArray(rows * width)
    for (first in 0 until height step rows) {
        val count = minOf(rows, height - first)
        bitmap.getPixels(some, 0, width, 0, first, width, count)
        into.put(some, 0, count * width)
    }
    return PixelBuffer(PixelFormat.BGRA, width, height, listOf(Plane(bytes, BYTES * width, BYTES)), orientation)
}

private fun allocate(
    width: Int,
    height: Int,
): ByteBuffer {
    val bytes = BYTES.toLong() * width * height
    if (bytes > Int.MAX_VALUE) throw OutOfMemoryError("$bytes bytes")
    return ByteBuffer.allocate(bytes.toInt())
}

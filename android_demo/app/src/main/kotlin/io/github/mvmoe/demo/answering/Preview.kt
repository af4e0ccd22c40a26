package io.github.mvmoe.demo.answering

import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.PixelFormat
import io.github.mvmoe.preprocessing.Plane
import java.nio.ByteBuffer
import kotlin.math.max
import kotlin.math.roundToInt

/**
 * Makes pictures to look at of what is answered: of decoded photos (`BGRA`) and frames of a camera (`YUV420`).
 *
 * It takes the nearest pixel, and BT.601 for every frame, which is good enough to look at. What the model sees is prepared by the
 * library.
 *
 * @param longest the most pixels of a side.
 */
class Preview(
    private val longest: Int = 720,
) {
    fun of(pixels: PixelBuffer): Picture {
        val colours = colours(pixels)
        val isTurned = pixels.orientation > LAST_UPRIGHT
        val (imageWidth, imageHeight) = if (isTurned) pixels.height to pixels.width else pixels.width to pixels.height
        val scale = minOf(1.0, longest.toDouble() / max(imageWidth, imageHeight))
        val width = max(1, (imageWidth * scale).roundToInt())
        val height = max(1, (imageHeight * scale).roundToInt())
        val argb = IntArray(width * height)
        for (y in 0 until height) {
            for (x in 0 until width) {
                val (column, row) = stored(pixels, nearest(x, width, imageWidth), nearest(y, height, imageHeight))
                argb[y * width + x] = colours(column, row)
            }
        }
        return Picture(width, height, argb, width.toDouble() / imageWidth)
    }

    private fun nearest(
        place: Int,
        size: Int,
        imageSize: Int,
    ): Int = ((2L * place + 1) * imageSize / (2L * size)).toInt()

    /** Where a pixel of the upright image lies in the buffer, by EXIF's orientation. */
    private fun stored(
        pixels: PixelBuffer,
        x: Int,
        y: Int,
    ): Pair<Int, Int> {
        val (right, bottom) = pixels.width - 1 to pixels.height - 1
        return when (pixels.orientation) {
            2 -> right - x to y
            3 -> right - x to bottom - y
            4 -> x to bottom - y
            5 -> y to x
            6 -> y to bottom - x
            7 -> right - y to bottom - x
            8 -> right - y to x
            else -> x to y
        }
    }

    private fun colours(pixels: PixelBuffer): (Int, Int) -> Int =
        when (pixels.format) {
            PixelFormat.BGRA -> Packed(pixels.planes.single())::colour
            PixelFormat.YUV420 -> Yuv(pixels.planes)::colour
            else -> throw IllegalArgumentException("a preview of ${pixels.format} was asked for; expected BGRA or YUV420")
        }

    private companion object {
        /** From 5 on EXIF's orientations swap width and height. */
        const val LAST_UPRIGHT = 4
    }
}

/** Blue, green, red, alpha. */
private class Packed(
    private val plane: Plane,
) {
    private val bytes: ByteBuffer = plane.bytes

    fun colour(
        x: Int,
        y: Int,
    ): Int {
        val place = y * plane.rowStride + x * plane.pixelStride
        return opaque(bytes.level(place + 2), bytes.level(place + 1), bytes.level(place))
    }
}

/** Luma for each pixel, chroma for 2 x 2. */
private class Yuv(
    private val planes: List<Plane>,
) {
    fun colour(
        x: Int,
        y: Int,
    ): Int {
        val luma = planes[0].at(x, y)
        val u = planes[1].at(x / 2, y / 2) - MIDDLE
        val v = planes[2].at(x / 2, y / 2) - MIDDLE
        return opaque(
            (luma + RED_V * v).roundToInt(),
            (luma - GREEN_U * u - GREEN_V * v).roundToInt(),
            (luma + BLUE_U * u).roundToInt(),
        )
    }

    private fun Plane.at(
        x: Int,
        y: Int,
    ): Int = bytes.level(y * rowStride + x * pixelStride)

    private companion object {
        const val MIDDLE = 128
        const val RED_V = 1.402
        const val GREEN_U = 0.344136
        const val GREEN_V = 0.714136
        const val BLUE_U = 1.772
    }
}

private fun ByteBuffer.level(place: Int): Int = get(place).toInt() and 0xFF

private fun opaque(
    red: Int,
    green: Int,
    blue: Int,
): Int = 0xFF shl 24 or (red.coerceIn(0, 255) shl 16) or (green.coerceIn(0, 255) shl 8) or blue.coerceIn(0, 255)

package io.github.mvmoe.android

import android.graphics.Bitmap
import io.github.mvmoe.preprocessing.PixelBuffer
import java.io.ByteArrayOutputStream
import java.io.DataOutputStream

/** A picture of 4 x 2 pixels, each of a colour of its own. */
internal val COLOURS =
    intArrayOf(
        0xFF0A141E.toInt(),
        0xFFFA0001.toInt(),
        0xFF00FF00.toInt(),
        0xFF0000FF.toInt(),
        0xFFFFFFFF.toInt(),
        0xFF000000.toInt(),
        0xFF808080.toInt(),
        0xFF123456.toInt(),
    )

internal fun bitmapOf(
    colours: IntArray,
    width: Int,
): Bitmap = Bitmap.createBitmap(colours, width, colours.size / width, Bitmap.Config.ARGB_8888)

internal fun png(bitmap: Bitmap): ByteArray = encoded(bitmap, Bitmap.CompressFormat.PNG)

internal fun jpeg(bitmap: Bitmap): ByteArray = encoded(bitmap, Bitmap.CompressFormat.JPEG)

private fun encoded(
    bitmap: Bitmap,
    format: Bitmap.CompressFormat,
) = ByteArrayOutputStream().also { bitmap.compress(format, 100, it) }.toByteArray()

/** A JPEG with EXIF's orientation put behind its first marker. */
internal fun oriented(
    jpeg: ByteArray,
    orientation: Int,
): ByteArray {
    val bytes = ByteArrayOutputStream()
    val out = DataOutputStream(bytes)
    out.write(jpeg, 0, 2)
    // APP1 with a TIFF of one directory of one entry, high byte first.
    out.writeShort(0xFFE1)
    out.writeShort(2 + 6 + 8 + 2 + 12 + 4)
    out.write("Exif".toByteArray() + byteArrayOf(0, 0))
    out.writeInt(0x4D4D002A)
    out.writeInt(8)
    out.writeShort(1)
    out.writeShort(0x0112)
    out.writeShort(3)
    out.writeInt(1)
    out.writeShort(orientation)
    out.writeShort(0)
    out.writeInt(0)
    out.write(jpeg, 2, jpeg.size - 2)
    return bytes.toByteArray()
}

/** A buffer's colours as `0xFFRRGGBB`, turned upright, row after row. */
internal fun upright(buffer: PixelBuffer): IntArray {
    val plane = buffer.planes.single()
    val stored = { x: Int, y: Int ->
        val at = y * plane.rowStride + x * plane.pixelStride
        val (blue, green, red) = List(3) { plane.bytes.get(at + it).toInt() and 0xFF }
        0xFF shl 24 or (red shl 16) or (green shl 8) or blue
    }
    val (w, h) = buffer.width to buffer.height
    val isTransposed = buffer.orientation > 4
    val (width, height) = if (isTransposed) h to w else w to h
    return IntArray(width * height) { place ->
        val (x, y) = place % width to place / width
        when (buffer.orientation) {
            1 -> stored(x, y)
            2 -> stored(w - 1 - x, y)
            3 -> stored(w - 1 - x, h - 1 - y)
            4 -> stored(x, h - 1 - y)
            5 -> stored(y, x)
            6 -> stored(y, h - 1 - x)
            7 -> stored(w - 1 - y, h - 1 - x)
            else -> stored(w - 1 - y, x)
        }
    }
}

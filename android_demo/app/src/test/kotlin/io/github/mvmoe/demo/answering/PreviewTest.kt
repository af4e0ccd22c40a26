package io.github.mvmoe.demo.answering

import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.PixelFormat
import io.github.mvmoe.preprocessing.Plane
import java.nio.ByteBuffer
import kotlin.math.abs
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class PreviewTest {
    private val preview = Preview(longest = 8)
    private val colours =
        intArrayOf(0xFFFF0000.toInt(), 0xFF00FF00.toInt(), 0xFF0000FF.toInt(), 0xFFFFFFFF.toInt(), 0xFF000000.toInt(), 0xFF123456.toInt())

    @Test
    fun `each orientation stands upright`() {
        // Columns by rows of the upright image, as EXIF says where the buffer's first row and column are.
        val upright =
            mapOf(
                1 to listOf(0, 1, 2, 3, 4, 5),
                2 to listOf(2, 1, 0, 5, 4, 3),
                3 to listOf(5, 4, 3, 2, 1, 0),
                4 to listOf(3, 4, 5, 0, 1, 2),
                5 to listOf(0, 3, 1, 4, 2, 5),
                6 to listOf(3, 0, 4, 1, 5, 2),
                7 to listOf(5, 2, 4, 1, 3, 0),
                8 to listOf(2, 5, 1, 4, 0, 3),
            )
        for ((orientation, places) in upright) {
            val picture = preview.of(PixelBuffer.argb(colours, 3, 2, orientation))
            assertEquals(if (orientation < 5) 3 to 2 else 2 to 3, picture.width to picture.height)
            assertContentEquals(places.map { colours[it] }, picture.argb.toList(), "orientation $orientation")
        }
    }

    @Test
    fun `pictures of any size become small ones`() {
        for ((width, height) in listOf(1 to 1, 9000 to 1, 1 to 9000, 640 to 480)) {
            val picture = preview.of(PixelBuffer.argb(IntArray(width * height) { 0xFF102030.toInt() }, width, height))
            assertTrue(picture.width in 1..8 && picture.height in 1..8, "${picture.width} x ${picture.height}")
            assertEquals(picture.width * picture.height, picture.argb.size)
            assertTrue(picture.argb.all { it == 0xFF102030.toInt() })
        }
    }

    @Test
    fun `frames of a camera have their colours`() {
        // Luma, U and V of BT.601 for red, with chroma's bytes in pairs and rows that are longer than needed.
        val luma = ByteBuffer.wrap(ByteArray(8 * 2) { 76 })
        val chroma = ByteBuffer.wrap(byteArrayOf(85, 255.toByte(), 85, 255.toByte()))
        val planes =
            listOf(Plane(luma, 8, 1), Plane(chroma, 4, 2), Plane(chroma.duplicate().position(1).let { (it as ByteBuffer).slice() }, 4, 2))
        val picture = preview.of(PixelBuffer(PixelFormat.YUV420, 4, 2, planes, 6))
        assertEquals(2 to 4, picture.width to picture.height)
        for (pixel in picture.argb) {
            val off =
                listOf(pixel shr 16 and 0xFF to 255, pixel shr 8 and 0xFF to 0, pixel and 0xFF to 0).maxOf { (found, wanted) ->
                    abs(found - wanted)
                }
            assertTrue(off <= 2, Integer.toHexString(pixel))
        }
    }

    @Test
    fun `what the app never shows is refused`() {
        assertFailsWith<IllegalArgumentException> { preview.of(PixelBuffer.grey(ByteArray(1), 1, 1)) }
    }
}

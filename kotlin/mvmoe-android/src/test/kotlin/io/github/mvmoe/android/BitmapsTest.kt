package io.github.mvmoe.android

import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.ColorSpace
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import kotlin.math.abs
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class BitmapsTest {
    private fun pixels(bitmap: Bitmap) = upright(bitmap.toPixelBuffer())

    @Test
    fun `a bitmap's pixels are copied`() {
        val bitmap = bitmapOf(COLOURS, 4).copy(Bitmap.Config.ARGB_8888, true)
        val buffer = bitmap.toPixelBuffer()
        bitmap.eraseColor(Color.RED)
        assertEquals(listOf(4, 2, 1), listOf(buffer.width, buffer.height, buffer.orientation))
        assertContentEquals(COLOURS, upright(buffer))
    }

    @Test
    fun `more rows than are copied at once`() {
        val colours = IntArray(300 * 700) { 0xFF000000.toInt() or (it * 7919 and 0xFFFFFF) }
        assertContentEquals(colours, pixels(bitmapOf(colours, 300)))
    }

    @Test
    fun `colours are as they were before they were multiplied by their alpha`() {
        val colour = Color.argb(128, 200, 100, 50)
        val bitmap = bitmapOf(intArrayOf(colour, colour), 2)
        assertTrue(bitmap.isPremultiplied)
        for (pixel in pixels(bitmap)) {
            val off = listOf(Color.red(pixel) - 200, Color.green(pixel) - 100, Color.blue(pixel) - 50).maxOf(::abs)
            assertTrue(off <= 1, "$off levels")
        }
    }

    @Test
    fun `bitmaps of other configs give the same colours`() {
        for (config in listOf(Bitmap.Config.RGBA_F16, Bitmap.Config.RGB_565)) {
            val bitmap = bitmapOf(intArrayOf(Color.RED, Color.WHITE, Color.BLUE, Color.BLACK), 2).copy(config, false)
            assertContentEquals(intArrayOf(Color.RED, Color.WHITE, Color.BLUE, Color.BLACK), pixels(bitmap), "$config")
        }
    }

    @Test
    fun `colours of another space are converted to sRGB`() {
        val space = ColorSpace.get(ColorSpace.Named.DISPLAY_P3)
        val bitmap = Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888, false, space)
        bitmap.eraseColor(Color.pack(0.5f, 0.5f, 0.25f, 1f, space))
        val wanted = Color.convert(0.5f, 0.5f, 0.25f, 1f, space, ColorSpace.get(ColorSpace.Named.SRGB))
        val found = pixels(bitmap).single()
        val off = abs(Color.blue(found) - (Color.blue(wanted) * 255).toInt())
        assertTrue(off <= 1, "blue ${Color.blue(found)}, wanted ${Color.blue(wanted) * 255}")
        assertTrue(Color.blue(found) < 60, "a quarter in P3 is less in sRGB")
    }

    @Test
    fun `what has no colours, or no pixels any more, is refused`() {
        val alpha = Bitmap.createBitmap(2, 2, Bitmap.Config.ALPHA_8)
        assertEquals(
            ErrorCode.IMAGE_UNSUPPORTED_SAMPLES,
            assertThrows(ImageException::class.java) { alpha.toPixelBuffer() }.code,
        )
        val recycled = bitmapOf(COLOURS, 4).apply { recycle() }
        assertEquals(ErrorCode.IMAGE_INVALID, assertThrows(ImageException::class.java) { recycled.toPixelBuffer() }.code)
    }
}

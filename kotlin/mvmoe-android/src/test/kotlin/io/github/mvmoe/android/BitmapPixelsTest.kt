package io.github.mvmoe.android

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import java.io.ByteArrayOutputStream
import kotlin.test.assertContentEquals

/** Whether Android's own graphics run here: what the other tests of bitmaps build on. */
@RunWith(RobolectricTestRunner::class)
class BitmapPixelsTest {
    private val colours = intArrayOf(Color.rgb(10, 20, 30), Color.rgb(250, 0, 1))

    @Test
    fun `a bitmap gives back its pixels`() {
        val bitmap = Bitmap.createBitmap(colours, 2, 1, Bitmap.Config.ARGB_8888)
        assertContentEquals(colours, pixels(bitmap))
    }

    @Test
    fun `a PNG is decoded to its pixels`() {
        val file = ByteArrayOutputStream()
        Bitmap.createBitmap(colours, 2, 1, Bitmap.Config.ARGB_8888).compress(Bitmap.CompressFormat.PNG, 100, file)
        assertContentEquals(colours, pixels(BitmapFactory.decodeByteArray(file.toByteArray(), 0, file.size())))
    }

    private fun pixels(bitmap: Bitmap) =
        IntArray(bitmap.width * bitmap.height).also {
            bitmap.getPixels(it, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        }
}

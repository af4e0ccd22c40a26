package io.github.mvmoe.demo.views

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.view.View
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.MarkedBox
import io.github.mvmoe.demo.answering.MarkedPlaces
import io.github.mvmoe.demo.answering.Marks
import io.github.mvmoe.demo.answering.Picture
import io.github.mvmoe.demo.testing.screenshot
import io.github.mvmoe.preprocessing.Box
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals

@RunWith(RobolectricTestRunner::class)
class PictureViewTest {
    private val context =
        Robolectric
            .buildActivity(Activity::class.java)
            .create()
            .get()
            .apply { setTheme(R.style.Theme_Demo) }
    private val colours = context.resources.getIntArray(R.array.class_colors)

    /** Half as large as its image, grey, on a square of 400 pixels: it takes the middle half of the height. */
    private val picture = Picture(200, 100, IntArray(200 * 100) { GREY }, scale = 0.5)

    private fun drawn(
        marks: Marks?,
        name: String,
    ): Bitmap {
        val view = View.inflate(context, R.layout.part_image, null).findViewById<PictureView>(R.id.picture)
        view.visibility = View.VISIBLE
        view.layout(0, 0, SIDE, SIDE)
        view.show(picture, marks)
        screenshot(view, name)
        return Bitmap.createBitmap(SIDE, SIDE, Bitmap.Config.ARGB_8888).also { view.draw(Canvas(it)) }
    }

    @Test
    fun `all of a picture is seen, in the middle`() {
        val bitmap = drawn(null, "picture")
        assertEquals(listOf(0, GREY, GREY, 0), listOf(90, 110, 290, 310).map { bitmap.getPixel(200, it) })
        assertEquals(listOf(GREY, GREY), listOf(1, 398).map { bitmap.getPixel(it, 200) })
    }

    @Test
    fun `boxes lie where their image has them, in the colour of their class`() {
        // The image has 400 x 200 pixels, as many as the picture takes of the view.
        val boxes = listOf(MarkedBox(Box(100.0, 50.0, 300.0, 150.0), "dog", 1, 0.87), MarkedBox(Box(10.0, 20.0, 60.0, 60.0), "cat", 9, 0.5))
        val bitmap = drawn(Marks(boxes, emptyList()), "picture-boxes")
        assertEquals(colours[1], bitmap.getPixel(250, 100 + 150))
        assertEquals(colours[1], bitmap.getPixel(300, 100 + 100))
        assertEquals(GREY, bitmap.getPixel(200, 100 + 120))
        // From the beginning again, after the last colour.
        assertEquals(colours[9 % colours.size], bitmap.getPixel(60, 100 + 50))
    }

    @Test
    fun `masks are seen through, and what has no class is as it was`() {
        val mask = MarkedPlaces(4, 2, intArrayOf(0, 0, -1, -1, 0, 0, -1, 2))
        val bitmap = drawn(Marks(emptyList(), listOf(mask)), "picture-mask")
        assertNotEquals(GREY, bitmap.getPixel(50, 150))
        assertNotEquals(colours[0], bitmap.getPixel(50, 150))
        assertEquals(GREY, bitmap.getPixel(250, 150))
        assertNotEquals(bitmap.getPixel(50, 250), bitmap.getPixel(390, 290))
    }

    private companion object {
        const val SIDE = 400
        val GREY = Color.rgb(120, 120, 120)
    }
}

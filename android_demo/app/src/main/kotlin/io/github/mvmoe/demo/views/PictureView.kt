package io.github.mvmoe.demo.views

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.MarkedBox
import io.github.mvmoe.demo.answering.MarkedPlaces
import io.github.mvmoe.demo.answering.Marks
import io.github.mvmoe.demo.answering.Picture
import kotlin.math.roundToInt

/** Shows all of a picture, with boxes and masks over it. */
class PictureView(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes) {
    private val colours = resources.getIntArray(R.array.class_colors)
    private val density = resources.displayMetrics.density
    private val smooth = Paint(Paint.FILTER_BITMAP_FLAG)
    private val translucent = Paint().apply { alpha = MASK_ALPHA }
    private val frame =
        Paint(Paint.ANTI_ALIAS_FLAG).apply {
            style = Paint.Style.STROKE
            strokeWidth = FRAME_DP * density
        }
    private val name =
        Paint(Paint.ANTI_ALIAS_FLAG).apply {
            color = Color.WHITE
            textSize = NAME_DP * density
        }
    private val area = RectF()
    private var picture: Picture? = null
    private var marks: Marks? = null
    private var bitmap: Bitmap? = null
    private var masks = emptyList<Bitmap>()

    /** @param marks what is drawn over it, if anything is. */
    fun show(
        picture: Picture?,
        marks: Marks?,
    ) {
        if (picture !== this.picture) bitmap = picture?.let { Bitmap.createBitmap(it.argb, it.width, it.height, Bitmap.Config.ARGB_8888) }
        if (marks !== this.marks) masks = marks?.masks.orEmpty().map(::bitmapOf)
        this.picture = picture
        this.marks = marks
        invalidate()
    }

    private fun bitmapOf(places: MarkedPlaces): Bitmap {
        val argb =
            IntArray(places.classes.size) {
                places.classes[it].let { index ->
                    if (index ==
                        MarkedPlaces.NONE
                    ) {
                        0
                    } else {
                        colour(index)
                    }
                }
            }
        return Bitmap.createBitmap(argb, places.width, places.height, Bitmap.Config.ARGB_8888)
    }

    private fun colour(index: Int): Int = colours[index % colours.size]

    override fun onDraw(canvas: Canvas) {
        val picture = picture ?: return
        fit(picture)
        bitmap?.let { canvas.drawBitmap(it, null, area, smooth) }
        for (mask in masks) canvas.drawBitmap(mask, null, area, translucent)
        for (box in marks?.boxes.orEmpty()) draw(canvas, box, picture)
    }

    /** All of it, in the middle. */
    private fun fit(picture: Picture) {
        val scale = minOf(width.toFloat() / picture.width, height.toFloat() / picture.height)
        val (wide, high) = picture.width * scale to picture.height * scale
        area.set((width - wide) / 2, (height - high) / 2, (width + wide) / 2, (height + high) / 2)
    }

    private fun draw(
        canvas: Canvas,
        marked: MarkedBox,
        picture: Picture,
    ) {
        val scale = (picture.scale * area.width() / picture.width).toFloat()
        val left = area.left + marked.box.left.toFloat() * scale
        val top = area.top + marked.box.top.toFloat() * scale
        frame.color = colour(marked.index)
        canvas.drawRect(left, top, area.left + marked.box.right.toFloat() * scale, area.top + marked.box.bottom.toFloat() * scale, frame)
        val text = "${marked.label} ${context.getString(R.string.percent, (PERCENT * marked.score).roundToInt().toString())}"
        val below = top + name.textSize * LINE
        frame.style = Paint.Style.FILL
        canvas.drawRect(left, top, left + name.measureText(text) + 2 * FRAME_DP * density, below, frame)
        frame.style = Paint.Style.STROKE
        canvas.drawText(text, left + FRAME_DP * density, top + name.textSize, name)
    }

    private companion object {
        const val MASK_ALPHA = 130
        const val FRAME_DP = 2f
        const val NAME_DP = 11f
        const val LINE = 1.25f
        const val PERCENT = 100
    }
}

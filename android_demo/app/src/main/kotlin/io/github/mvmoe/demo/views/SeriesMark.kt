package io.github.mvmoe.demo.views

import android.content.Context
import android.graphics.Canvas
import android.graphics.ColorFilter
import android.graphics.Paint
import android.graphics.PixelFormat
import android.graphics.drawable.Drawable

/** A piece of a curve, for the text that says what the curve is. */
internal class SeriesMark(
    context: Context,
    number: Int,
) : Drawable() {
    private val density = context.resources.displayMetrics.density
    private val paint = Paint(Paint.ANTI_ALIAS_FLAG).also { SeriesStyle(context).apply(it, number) }

    override fun getIntrinsicWidth(): Int = (WIDTH * density).toInt()

    override fun getIntrinsicHeight(): Int = (HEIGHT * density).toInt()

    override fun draw(canvas: Canvas) {
        val middle = bounds.exactCenterY()
        canvas.drawLine(bounds.left.toFloat(), middle, bounds.right.toFloat(), middle, paint)
    }

    override fun setAlpha(alpha: Int) {
        paint.alpha = alpha
    }

    override fun setColorFilter(filter: ColorFilter?) {
        paint.colorFilter = filter
    }

    @Deprecated("The system asks for it still.")
    override fun getOpacity(): Int = PixelFormat.TRANSLUCENT

    private companion object {
        const val WIDTH = 28
        const val HEIGHT = 12
    }
}

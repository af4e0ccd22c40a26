package io.github.mvmoe.demo.views

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View
import io.github.mvmoe.demo.R

/** A horizontal bar of a share of its width, from where the language begins to read. */
class BarView(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes) {
    private val track = Paint().apply { color = context.getColor(R.color.background) }
    private val bar = Paint()
    private val ends = RoundEnds()
    private var share = 0f

    fun show(
        share: Float,
        colour: Int,
    ) {
        this.share = share.coerceIn(0f, 1f)
        bar.color = colour
        invalidate()
    }

    override fun onSizeChanged(
        width: Int,
        height: Int,
        oldWidth: Int,
        oldHeight: Int,
    ) {
        ends.resize(width, height)
    }

    override fun onDraw(canvas: Canvas) {
        val (width, height) = width.toFloat() to height.toFloat()
        val begin = if (layoutDirection == LAYOUT_DIRECTION_RTL) width * (1 - share) else 0f
        ends.clip(canvas)
        canvas.drawRect(0f, 0f, width, height, track)
        canvas.drawRect(begin, 0f, begin + share * width, height, bar)
    }
}

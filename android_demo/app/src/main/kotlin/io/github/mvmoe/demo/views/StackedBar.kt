package io.github.mvmoe.demo.views

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View

/** One bar of several parts, side by side. */
class StackedBar(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes) {
    /** A part's size, in any unit that all parts share. */
    class Part(
        val size: Float,
        val colour: Int,
    )

    private val paint = Paint()
    private val ends = RoundEnds()
    private var parts = emptyList<Part>()

    fun show(parts: List<Part>) {
        this.parts = parts
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
        val total = parts.sumOf { it.size.toDouble() }.toFloat()
        if (total <= 0) return
        ends.clip(canvas)
        if (layoutDirection == LAYOUT_DIRECTION_RTL) canvas.scale(-1f, 1f, width / 2f, 0f)
        var begin = 0f
        for (part in parts) {
            val end = begin + part.size / total * width
            paint.color = part.colour
            canvas.drawRect(begin, 0f, end, height.toFloat(), paint)
            begin = end
        }
    }
}

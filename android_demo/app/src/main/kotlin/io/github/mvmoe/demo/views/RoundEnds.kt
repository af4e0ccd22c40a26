package io.github.mvmoe.demo.views

import android.graphics.Canvas
import android.graphics.Path

/** The outline of a bar whose ends are half circles. */
internal class RoundEnds {
    private val outline = Path()

    fun resize(
        width: Int,
        height: Int,
    ) {
        val radius = height / 2f
        outline.rewind()
        outline.addRoundRect(0f, 0f, width.toFloat(), height.toFloat(), radius, radius, Path.Direction.CW)
    }

    /** Nothing that is drawn from here on is seen outside of it. */
    fun clip(canvas: Canvas) {
        canvas.clipPath(outline)
    }
}

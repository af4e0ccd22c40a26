package io.github.mvmoe.demo.views

import android.content.Context
import android.graphics.DashPathEffect
import android.graphics.Paint
import android.graphics.PathEffect
import io.github.mvmoe.demo.R

/** How the curves of a chart look: each has a colour of its own, and its dashes, for those who do not tell the colours apart. */
internal class SeriesStyle(
    context: Context,
) {
    private val density = context.resources.displayMetrics.density
    private val colors = colors(context)
    private val dashes: List<PathEffect?> =
        DASHES.map { lengths ->
            lengths?.let { DashPathEffect(FloatArray(it.size) { i -> it[i] * density }, 0f) }
        }

    fun color(number: Int): Int = colors[number % colors.size]

    /** Lets a paint draw lines as the curve of that number. */
    fun apply(
        paint: Paint,
        number: Int,
    ) {
        paint.style = Paint.Style.STROKE
        paint.strokeWidth = WIDTH * density
        paint.color = color(number)
        paint.pathEffect = dashes[number % dashes.size]
    }

    private companion object {
        const val WIDTH = 2f

        /** Lengths of strokes and gaps; their number and that of colours have few divisors in common. */
        val DASHES = listOf(null, listOf(8f, 4f), listOf(2f, 3f), listOf(10f, 3f, 2f, 3f), listOf(14f, 5f))

        fun colors(context: Context): IntArray {
            val array = context.resources.obtainTypedArray(R.array.chart_series)
            return IntArray(array.length()) { array.getColor(it, 0) }.also { array.recycle() }
        }
    }
}

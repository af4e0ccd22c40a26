package io.github.mvmoe.demo.views

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Path
import android.util.AttributeSet
import android.util.TypedValue
import android.view.View
import io.github.mvmoe.demo.R
import java.util.Locale

/**
 * Curves over an axis, with a light area from the smallest to the largest values around each.
 *
 * What it shows has to be said in its content description, too.
 */
internal class LineChart(
    context: Context,
    attributes: AttributeSet?,
) : View(context, attributes) {
    private val density = resources.displayMetrics.density
    private val style = SeriesStyle(context)
    private val line = Paint(Paint.ANTI_ALIAS_FLAG)
    private val area = Paint(Paint.ANTI_ALIAS_FLAG)
    private val grid = Paint().apply { color = context.getColor(R.color.chart_grid) }
    private val band = Paint().apply { color = context.getColor(R.color.error) }
    private val words =
        Paint(Paint.ANTI_ALIAS_FLAG).apply {
            textSize = TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, TEXT_SP, resources.displayMetrics)
            color = textColor(context)
        }
    private val path = Path()

    /** What is drawn. */
    var data: ChartData = ChartData.EMPTY
        set(value) {
            field = value
            invalidate()
        }

    /** What the numbers of the vertical axis are: `ms`. */
    var unit: String = ""

    /** What is written at the end of the horizontal axis. */
    var end: String = ""

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val axis = Axis.upTo(data.height)
        val marks = axis.marks.map { String.format(Locale.getDefault(), "%.${axis.digits}f", it) }
        val place = Place(axis, marks.maxOf(words::measureText))
        data.bands.forEach { draw(canvas, place, it) }
        drawAxis(canvas, place, marks)
        canvas.save()
        canvas.clipRect(place.left, place.top - density, place.right, place.bottom)
        data.series.forEach { drawArea(canvas, place, it) }
        data.series.forEach { drawLine(canvas, place, it) }
        canvas.restore()
    }

    /** Where the values of the chart are on the screen. */
    private inner class Place(
        val axis: Axis,
        labels: Float,
    ) {
        val left = paddingLeft + labels + GAP_DP * density
        val right = (width - paddingRight).toFloat()
        val top = paddingTop + 2 * words.textSize
        val bottom = height - paddingBottom - words.textSize - GAP_DP * density

        fun x(value: Double): Float = left + (right - left) * (value / data.width).toFloat()

        fun y(value: Double): Float = bottom - (bottom - top) * (value / axis.top).toFloat()
    }

    private fun draw(
        canvas: Canvas,
        place: Place,
        shaded: ChartBand,
    ) {
        band.alpha = (MOST_ALPHA * shaded.level).toInt()
        canvas.drawRect(place.x(shaded.from), place.top, place.x(shaded.to), place.bottom, band)
    }

    private fun drawAxis(
        canvas: Canvas,
        place: Place,
        marks: List<String>,
    ) {
        words.textAlign = Paint.Align.RIGHT
        for ((mark, text) in place.axis.marks.zip(marks)) {
            val y = place.y(mark)
            canvas.drawRect(place.left, y, place.right, y + density, grid)
            canvas.drawText(text, place.left - GAP_DP * density, y + words.textSize / 3, words)
        }
        canvas.drawText(end, place.right, height - paddingBottom - words.descent(), words)
        words.textAlign = Paint.Align.LEFT
        canvas.drawText(unit, paddingLeft.toFloat(), paddingTop + words.textSize, words)
    }

    private fun drawArea(
        canvas: Canvas,
        place: Place,
        series: ChartSeries,
    ) {
        if (series.points.size < 2) return
        path.rewind()
        series.points.forEachIndexed { index, point -> path.to(index, place.x(point.x), place.y(point.high)) }
        series.points.asReversed().forEach { path.lineTo(place.x(it.x), place.y(it.low)) }
        path.close()
        area.color = style.color(series.color)
        area.alpha = AREA_ALPHA
        canvas.drawPath(path, area)
    }

    private fun drawLine(
        canvas: Canvas,
        place: Place,
        series: ChartSeries,
    ) {
        style.apply(line, series.color)
        path.rewind()
        series.points.forEachIndexed { index, point -> path.to(index, place.x(point.x), place.y(point.middle)) }
        canvas.drawPath(path, line)
    }

    private fun Path.to(
        index: Int,
        x: Float,
        y: Float,
    ) = if (index == 0) moveTo(x, y) else lineTo(x, y)

    private companion object {
        const val TEXT_SP = 12f
        const val GAP_DP = 6f
        const val AREA_ALPHA = 40
        const val MOST_ALPHA = 110

        /** The theme's colour of less important text. */
        fun textColor(context: Context): Int {
            val found = context.obtainStyledAttributes(intArrayOf(android.R.attr.textColorSecondary))
            return found.getColor(0, 0).also { found.recycle() }
        }
    }
}

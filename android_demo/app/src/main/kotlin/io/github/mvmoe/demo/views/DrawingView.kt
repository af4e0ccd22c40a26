package io.github.mvmoe.demo.views

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Path
import android.util.AttributeSet
import android.view.MotionEvent
import android.view.View
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.Drawing
import io.github.mvmoe.demo.answering.Point
import io.github.mvmoe.demo.answering.Stroke

/** A square to draw on with one finger. */
class DrawingView(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes) {
    /** Told of the drawing whenever the finger leaves it. */
    var onDraw: (Drawing) -> Unit = {}

    /** What was drawn; the stroke that the finger is at is not in it. */
    var drawing: Drawing = Drawing()
        set(value) {
            field = value
            contentDescription = description()
            invalidate()
        }

    private val stroke = ArrayList<Point>()
    private val path = Path()
    private val ink =
        Paint(Paint.ANTI_ALIAS_FLAG).apply {
            color = context.getColor(R.color.ink)
            style = Paint.Style.STROKE
            strokeCap = Paint.Cap.ROUND
            strokeJoin = Paint.Join.ROUND
        }
    private val hint =
        Paint(Paint.ANTI_ALIAS_FLAG).apply {
            color = context.getColor(R.color.text_quiet)
            textAlign = Paint.Align.CENTER
            textSize = HINT_DP * resources.displayMetrics.density
        }

    init {
        contentDescription = description()
    }

    private fun description(): String =
        if (drawing.isEmpty) {
            context.getString(R.string.canvas_empty)
        } else {
            resources.getQuantityString(R.plurals.canvas_drawn, drawing.strokes.size, drawing.strokes.size)
        }

    // A click draws nothing: there is no performClick for it.
    @SuppressLint("ClickableViewAccessibility")
    override fun onTouchEvent(event: MotionEvent): Boolean {
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> begin(event)
            MotionEvent.ACTION_MOVE -> extend(event)
            MotionEvent.ACTION_UP -> end(event)
            MotionEvent.ACTION_CANCEL -> stroke.clear()
            else -> return false
        }
        invalidate()
        return true
    }

    private fun begin(event: MotionEvent) {
        // A list around it would take the finger's way for its own.
        parent.requestDisallowInterceptTouchEvent(true)
        stroke.clear()
        stroke += place(event.x, event.y)
    }

    private fun extend(event: MotionEvent) {
        for (index in 0 until event.historySize) stroke += place(event.getHistoricalX(index), event.getHistoricalY(index))
        stroke += place(event.x, event.y)
    }

    private fun end(event: MotionEvent) {
        stroke += place(event.x, event.y)
        drawing = Drawing(drawing.strokes + listOf(stroke.toList()))
        stroke.clear()
        onDraw(drawing)
    }

    private fun place(
        x: Float,
        y: Float,
    ) = Point((x / width).coerceIn(0f, 1f), (y / height).coerceIn(0f, 1f))

    override fun onDraw(canvas: Canvas) {
        if (drawing.isEmpty && stroke.isEmpty()) {
            canvas.drawText(context.getString(R.string.draw_hint), width / 2f, height / 2f, hint)
        }
        ink.strokeWidth = PEN * width
        for (done in drawing.strokes) draw(canvas, done)
        if (stroke.isNotEmpty()) draw(canvas, stroke)
    }

    private fun draw(
        canvas: Canvas,
        points: Stroke,
    ) {
        path.rewind()
        path.moveTo(points.first().x * width, points.first().y * height)
        // A dot is a line to where it began.
        for (point in points) path.lineTo(point.x * width, point.y * height)
        canvas.drawPath(path, ink)
    }

    private companion object {
        /** The pen's width, of the canvas. */
        const val PEN = 0.07f
        const val HINT_DP = 14
    }
}

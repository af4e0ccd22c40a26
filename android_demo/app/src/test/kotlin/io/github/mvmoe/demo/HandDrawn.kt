package io.github.mvmoe.demo

import io.github.mvmoe.demo.answering.Drawing
import io.github.mvmoe.demo.answering.Point
import io.github.mvmoe.demo.answering.Stroke
import kotlin.math.cos
import kotlin.math.sin

/** Digits as somebody draws them, not in the canvas's middle and not of its height. */
object HandDrawn {
    val digits: Map<String, Drawing> =
        mapOf(
            "0" to drawing(arc(0.5, 0.5, 0.3, 0.5, -90, -450)),
            "2" to drawing(arc(0.5, 0.28, 0.3, 0.28, -170, 30) + line(0.2 to 1.0, 0.8 to 1.0)),
            "3" to drawing(arc(0.45, 0.25, 0.28, 0.25, -150, 90) + arc(0.45, 0.74, 0.32, 0.26, -90, 150)),
            "5" to
                drawing(
                    line(0.25 to 0.0, 0.22 to 0.42) + arc(0.45, 0.69, 0.32, 0.31, -130, 140),
                    line(0.25 to 0.0, 0.78 to 0.0),
                ),
            "6" to drawing(line(0.65 to 0.0, 0.35 to 0.3, 0.2 to 0.65) + arc(0.5, 0.72, 0.3, 0.28, 180, -180)),
            "9" to drawing(arc(0.48, 0.28, 0.28, 0.28, 0, -360) + line(0.74 to 0.5, 0.65 to 1.0)),
        )

    private fun drawing(vararg strokes: List<Pair<Double, Double>>) =
        Drawing(strokes.map { stroke -> smooth(stroke.map { (x, y) -> Point((0.2 + 0.6 * x).toFloat(), (0.1 + 0.7 * y).toFloat()) }) })

    private fun line(vararg points: Pair<Double, Double>) = points.toList()

    /** Degrees as clock hands turn, from the right. */
    private fun arc(
        x: Double,
        y: Double,
        radiusX: Double,
        radiusY: Double,
        from: Int,
        to: Int,
    ) = List(STEPS + 1) {
        val angle = Math.toRadians(from + (to - from) * it / STEPS.toDouble())
        x + radiusX * cos(angle) to y + radiusY * sin(angle)
    }

    /** A finger gives more than the corners. */
    private fun smooth(points: Stroke): Stroke =
        points.zipWithNext().flatMap { (from, to) ->
            List(4) { Point(from.x + (to.x - from.x) * it / 4, from.y + (to.y - from.y) * it / 4) }
        } + points.last()

    private const val STEPS = 24
}

package io.github.mvmoe.demo.views

/**
 * Some neighbouring values of a curve.
 *
 * @property x the first place of them.
 * @property low the smallest.
 * @property middle their median.
 * @property high the largest.
 */
internal class CurvePoint(
    val x: Double,
    val low: Double,
    val middle: Double,
    val high: Double,
)

/**
 * A curve of any number of values in at most [most] points: where there are more, two neighbours become one.
 *
 * The median of merged points is the mean of theirs, which a drawing cannot tell from their median.
 */
internal class Curve(
    private val most: Int = 120,
) {
    private val whole = ArrayList<CurvePoint>()
    private val waiting = ArrayList<Double>()
    private var start = 0.0

    /** How many values a point is of. */
    private var size = 1

    /** All points, with one of the last values that fill no point yet. */
    val points: List<CurvePoint> get() = if (waiting.isEmpty()) whole.toList() else whole + pointOf(waiting)

    /** Appends a value at a place, which is not before the last one's. */
    fun add(
        x: Double,
        y: Double,
    ) {
        if (waiting.isEmpty()) start = x
        waiting += y
        if (waiting.size < size) return
        whole += pointOf(waiting)
        waiting.clear()
        if (whole.size >= most) halve()
    }

    private fun pointOf(values: List<Double>): CurvePoint {
        val sorted = values.sorted()
        return CurvePoint(start, sorted.first(), sorted[sorted.size / 2], sorted.last())
    }

    private fun halve() {
        val halved = whole.chunked(2) { merge(it.first(), it.last()) }
        whole.clear()
        whole += halved
        size *= 2
    }

    private fun merge(
        first: CurvePoint,
        second: CurvePoint,
    ) = CurvePoint(first.x, minOf(first.low, second.low), (first.middle + second.middle) / 2, maxOf(first.high, second.high))
}

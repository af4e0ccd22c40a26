package io.github.mvmoe.demo.views

/** One curve of a chart, and the number of its colour. */
internal class ChartSeries(
    val color: Int,
    val points: List<CurvePoint>,
)

/** A stretch of the x axis that is shaded: the stronger, the larger its [level] from 0 to 1. */
internal class ChartBand(
    val from: Double,
    val to: Double,
    val level: Float,
)

/**
 * What a chart shows.
 *
 * @property width where the x axis ends; it begins with 0.
 */
internal class ChartData(
    val width: Double,
    val series: List<ChartSeries>,
    val bands: List<ChartBand> = emptyList(),
) {
    /** How high the axis has to be. One answer that the system interrupted would flatten all others: it is cut off. */
    val height: Double get() = series.maxOfOrNull { heightOf(it.points) } ?: 0.0

    private fun heightOf(points: List<CurvePoint>): Double {
        if (points.isEmpty()) return 0.0
        val middles = points.map { it.middle }.sorted()
        val largest = middles.last { it <= MOST_TIMES_MEDIAN * middles[middles.size / 2] }
        val highs = points.map { it.high }.sorted()
        return maxOf(largest, minOf(highs[(highs.size * USUAL).toInt()], MOST_ABOVE_MIDDLE * largest))
    }

    companion object {
        private const val USUAL = 0.95
        private const val MOST_ABOVE_MIDDLE = 2.0
        private const val MOST_TIMES_MEDIAN = 4.0
        val EMPTY = ChartData(1.0, emptyList())
    }
}

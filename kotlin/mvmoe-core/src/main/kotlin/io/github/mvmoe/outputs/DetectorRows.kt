package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.Box
import kotlin.math.abs

/** A row is a box from this score on. */
private const val LEAST_SCORE = 0.25

/** Of two boxes of one class that overlap by more, the one with the lower score is left out. */
private const val MOST_OVERLAP = 0.5

/** Rows `[N, 4 + C]` of one image: left, top, right, bottom in pixels of the input, then C scores. */
internal class DetectorRows(
    private val values: FloatArray,
    shape: List<Int>,
) {
    private val width = shape[1]
    private val classes = width - COORDINATES
    private val rows = 0 until shape[0]

    /** The boxes after non-maximum suppression within each class, the highest score first, of equal ones the earlier row. */
    fun found(): List<FoundRow> {
        val kept = HashMap<Int, MutableList<FoundRow>>()
        val ordered = rows.mapNotNull(::counted).sortedByDescending { it.score }
        return ordered.filter { row ->
            val rivals = kept.getOrPut(row.index) { ArrayList() }
            rivals.all { overlap(it.box, row.box) <= MOST_OVERLAP }.also { if (it) rivals.add(row) }
        }
    }

    /** The box of a row. */
    fun boxOf(row: Int): Box = Box(at(row, 0), at(row, 1), at(row, 2), at(row, 3))

    /** A row if its best score is high enough and its box has an area, else null. */
    private fun counted(row: Int): FoundRow? {
        val scores = ClassScores(values, first = row * width + COORDINATES, step = 1, classes = classes)
        val index = scores.best()
        val score = scores[index]
        val box = boxOf(row)
        // Nothing counts that is no number.
        if (!(score >= LEAST_SCORE && box.right > box.left && box.bottom > box.top)) return null
        return FoundRow(row, box, index, score, minOf(abs(score - LEAST_SCORE), scores.margin()))
    }

    private fun at(
        row: Int,
        column: Int,
    ): Double = values[row * width + column].toDouble()

    internal companion object {
        /** The columns that are no scores. */
        const val COORDINATES = 4
    }
}

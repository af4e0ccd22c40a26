package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.Box
import kotlin.math.abs

/** A row is a box from this score on. */
private const val LEAST_SCORE = 0.25

/** Of two boxes of one class that overlap by more, the one with the lower score is left out. */
private const val MOST_OVERLAP = 0.5

/**
 * Two boxes of one class that overlap by this much are the same.
 *
 * Less than [MOST_OVERLAP]: a box that is left out on one side only, since rounding took its overlap across that bound, is then
 * the same as the box that it was left out for.
 */
private const val SAME_BOX = 0.45

/** Pixels: edges of one row that are no further apart say the same place. */
private const val SAME_PLACE = 0.5

/** A row of a detector that is a box, in pixels of the input. */
internal class FoundRow(
    val row: Int,
    val box: Box,
    val index: Int,
    val score: Double,
    /** How far the score is from changing whether the row is a box, or its class. */
    val margin: Double,
) {
    /** Whether it keeps an area if each edge is moved by [SAME_PLACE]. */
    val isLarge: Boolean get() = minOf(box.width, box.height) > 2 * SAME_PLACE
}

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

/** The area that two boxes share, divided by the area that they cover together. */
internal fun overlap(
    one: Box,
    other: Box,
): Double {
    val width = minOf(one.right, other.right) - maxOf(one.left, other.left)
    val height = minOf(one.bottom, other.bottom) - maxOf(one.top, other.top)
    val common = maxOf(width, 0.0) * maxOf(height, 0.0)
    return common / (one.width * one.height + other.width * other.height - common)
}

/** How many boxes of both sides are counted, and how many of these the other side has too. */
internal class BoxComparison(
    private val given: DetectorRows,
    private val wanted: DetectorRows,
    private val limit: Double,
) {
    private val ours = given.found()
    private val theirs = wanted.found()

    /** The share of counted boxes that are found again; null where none is counted. */
    fun share(): Double? {
        val counted = ours.count(::isCounted) + theirs.count(::isCounted)
        val same = again(ours, theirs, wanted) + again(theirs, ours, given)
        return if (counted == 0) null else same / counted.toDouble()
    }

    /** Below 0 nothing is a near-tie. */
    private val leavesOut = limit >= 0

    private fun isCounted(box: FoundRow) = box.margin > limit && (!leavesOut || box.isLarge)

    private fun again(
        some: List<FoundRow>,
        others: List<FoundRow>,
        rows: DetectorRows,
    ): Int =
        some.count { row ->
            isCounted(row) && (isAmong(row.box, row.index, others) || (leavesOut && isInPlace(row, rows, others)))
        }

    private fun isAmong(
        box: Box,
        index: Int,
        others: List<FoundRow>,
    ) = others.any { it.index == index && overlap(box, it.box) >= SAME_BOX }

    /** Whether the other side has the box at the same row and place: the row is there, or was left out for one it overlaps. */
    private fun isInPlace(
        row: FoundRow,
        rows: DetectorRows,
        others: List<FoundRow>,
    ): Boolean {
        val place = rows.boxOf(row.row)
        return isNear(row.box, place) && isAmong(place, row.index, others)
    }

    private fun isNear(
        one: Box,
        other: Box,
    ): Boolean =
        maxOf(
            maxOf(abs(one.left - other.left), abs(one.top - other.top)),
            maxOf(abs(one.right - other.right), abs(one.bottom - other.bottom)),
        ) <= SAME_PLACE
}

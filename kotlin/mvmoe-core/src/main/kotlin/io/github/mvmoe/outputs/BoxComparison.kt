package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.Box
import kotlin.math.abs

/**
 * Two boxes of one class that overlap by this much are the same.
 *
 * Less than [MOST_OVERLAP]: a box that is left out on one side only, since rounding took its overlap across that bound, is then
 * the same as the box that it was left out for.
 */
private const val SAME_BOX = 0.45

/** How many boxes of both sides are counted, and how many of these the other side has too. */
internal class BoxComparison(
    private val given: DetectorRows,
    private val wanted: DetectorRows,
    private val limit: Double,
) {
    private val ours = given.found()
    private val theirs = wanted.found()

    /** Below 0 nothing is a near-tie. */
    private val leavesOut = limit >= 0

    /** The share of counted boxes that are found again; null where none is counted. */
    fun share(): Double? {
        val counted = ours.count(::isCounted) + theirs.count(::isCounted)
        val same = again(ours, theirs, wanted) + again(theirs, ours, given)
        return if (counted == 0) null else same / counted.toDouble()
    }

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

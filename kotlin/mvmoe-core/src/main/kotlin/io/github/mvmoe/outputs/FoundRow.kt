package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.Box

/** Pixels: edges of one row that are no further apart say the same place. */
internal const val SAME_PLACE = 0.5

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

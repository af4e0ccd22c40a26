package io.github.mvmoe.outputs

import kotlin.math.abs

/** The class of each place of logits `[K, H, W]`; of one class 1 is foreground, and 0 all else. */
internal class PlaceClasses(
    private val values: FloatArray,
    shape: List<Int>,
) {
    private val classes = shape[0]
    private val size = shape[1] * shape[2]

    /** The places `[H, W]` in C order. */
    val places: IntRange = 0 until size

    /** The class of a place: that of the highest logit, of equal ones the lowest. */
    operator fun get(place: Int): Int = if (classes == 1) (if (values[place] > 0) 1 else 0) else scores(place).best()

    /** By how much the class of a place is decided. */
    fun margin(place: Int): Double = if (classes == 1) abs(values[place].toDouble()) else scores(place).margin()

    private fun scores(place: Int) = ClassScores(values, first = place, step = size, classes = classes)
}

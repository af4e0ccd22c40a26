package io.github.mvmoe.outputs

/**
 * The scores of some classes within an array: that of class c is at `first + c * step`.
 *
 * Nothing is copied: a mask has as many of them as it has places.
 */
internal class ClassScores(
    private val values: FloatArray,
    private val first: Int,
    private val step: Int,
    private val classes: Int,
) {
    operator fun get(index: Int): Double = values[first + index * step].toDouble()

    /** The class with the highest score, of equal ones the lowest. */
    fun best(): Int {
        var best = 0
        for (index in 1 until classes) if (this[index] > this[best]) best = index
        return best
    }

    /** By how much the best class is above the second best; infinite where there is only one. */
    fun margin(): Double {
        var best = Double.NEGATIVE_INFINITY
        var second = Double.NEGATIVE_INFINITY
        for (index in 0 until classes) {
            val score = this[index]
            if (score > best) {
                second = best
                best = score
            } else {
                second = maxOf(second, score)
            }
        }
        return best - second
    }
}

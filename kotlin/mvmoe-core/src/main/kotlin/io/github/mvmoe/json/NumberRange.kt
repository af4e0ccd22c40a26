package io.github.mvmoe.json

/** Which numbers a field may have. */
internal class NumberRange private constructor(
    private val words: String,
    private val holds: (Double) -> Boolean,
) {
    operator fun contains(number: Double): Boolean = holds(number)

    override fun toString(): String = words

    companion object {
        /** From [least] to [most], both included. */
        fun closed(
            least: Double,
            most: Double,
        ): NumberRange = NumberRange("from $least to $most") { it in least..most }

        /** Above [bound], and at most [most]. */
        fun above(
            bound: Double,
            most: Double,
        ): NumberRange = NumberRange("above $bound and at most $most") { it > bound && it <= most }

        /** At least [least], and below [bound]. */
        fun below(
            least: Double,
            bound: Double,
        ): NumberRange = NumberRange("from $least to below $bound") { it >= least && it < bound }

        /** Every number that is finite. */
        val FINITE: NumberRange = closed(-Double.MAX_VALUE, Double.MAX_VALUE)
    }
}

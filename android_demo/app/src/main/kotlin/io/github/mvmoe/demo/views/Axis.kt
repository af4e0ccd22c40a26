package io.github.mvmoe.demo.views

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.log10
import kotlin.math.pow

/**
 * An axis from 0 to a round number.
 *
 * @property step between two of its marks: 1, 2 or 5 times a power of ten.
 * @property steps how many of them there are.
 */
internal class Axis private constructor(
    val step: Double,
    val steps: Int,
) {
    /** Where it ends. */
    val top: Double get() = step * steps

    /** Its marks, 0 and the top included. */
    val marks: List<Double> get() = List(steps + 1) { it * step }

    /** How many digits behind the point tell the marks apart. */
    val digits: Int get() = maxOf(0, ceil(-log10(step)).toInt())

    companion object {
        /** An axis that has room for a value, with at most so many steps. */
        fun upTo(
            largest: Double,
            mostSteps: Int = 4,
        ): Axis {
            if (!largest.isFinite() || largest <= 0) return Axis(1.0, 1)
            val power = 10.0.pow(floor(log10(largest / mostSteps)))
            val step = listOf(1, 2, 5, 10).map { it * power }.first { largest / it <= mostSteps + TOLERANCE }
            return Axis(step, maxOf(1, ceil(largest / step - TOLERANCE).toInt()))
        }

        /** What dividing doubles may be off. */
        private const val TOLERANCE = 1e-9
    }
}

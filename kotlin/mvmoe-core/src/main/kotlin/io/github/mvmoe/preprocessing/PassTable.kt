package io.github.mvmoe.preprocessing

/**
 * Which samples one pass of a resize reads, and their weights in units of 2^-22 (`docs/bundle.md`, *Resizing to the last rounding*).
 *
 * Of all samples that the pass would make it has those of a window, from 0 on. A pass that changes nothing, and one of `nearest`,
 * read one sample each whose weight is 1. Sums of whole numbers do not depend on their order, so an axis can be read backwards.
 */
internal class PassTable private constructor(
    /** The first sample that each one reads. */
    private val starts: IntArray,
    /** Where the weights of each begin in [weights]; one more at the end. */
    private val places: IntArray,
    val weights: IntArray,
) {
    /** The sample of each, where each reads one, and far fewer than there are; null where all have to be read. */
    val picks: IntArray? get() = starts.takeIf { longest == 1 && PICKED_FROM * size <= until - from }

    /** The number of samples that it makes. */
    val size: Int get() = starts.size

    /** The first sample that any of them reads. */
    val from: Int = starts.min()

    /** The last sample that any of them reads, and one. */
    val until: Int = starts.indices.maxOf { starts[it] + count(it) }

    /** The most samples that one of them reads. */
    val longest: Int = starts.indices.maxOf(::count)

    fun start(index: Int): Int = starts[index]

    /** Where its weights begin. */
    fun place(index: Int): Int = places[index]

    /** How many samples it reads. */
    fun count(index: Int): Int = places[index + 1] - places[index]

    /** The same of an axis of [samples] that is stored backwards. */
    fun reversed(samples: Int): PassTable {
        val starts = IntArray(size) { samples - starts[it] - count(it) }
        val reversed = IntArray(weights.size)
        for (index in 0 until size) {
            for (tap in 0 until count(index)) reversed[places[index] + tap] = weights[places[index + 1] - 1 - tap]
        }
        return PassTable(starts, places, reversed)
    }

    companion object {
        /** Bits behind the point of a weight. */
        const val BITS = 22
        private const val ONE = 1 shl BITS

        /** Reading a whole row takes a small part of the time for each sample. */
        private const val PICKED_FROM = 2

        /**
         * Of a pass from [samples] to [made], the ones in [window].
         *
         * @param kernel null for `nearest`.
         */
        fun of(
            samples: Int,
            made: Int,
            window: IntRange,
            kernel: Kernel?,
        ): PassTable =
            when {
                samples == made -> single(window.toList().toIntArray())
                kernel == null -> single(nearest(samples, made, window))
                else -> weighed(samples, made, window, kernel)
            }

        private fun single(starts: IntArray) = PassTable(starts, IntArray(starts.size + 1) { it }, IntArray(starts.size) { ONE })

        /** The place is a running sum, not a product: its rounding errors are part of the definition. */
        private fun nearest(
            samples: Int,
            made: Int,
            window: IntRange,
        ): IntArray {
            val step = samples.toDouble() / made
            val found = IntArray(window.last - window.first + 1)
            var place = step / 2
            for (index in 0..window.last) {
                if (index >= window.first) found[index - window.first] = place.toInt()
                place += step
            }
            return found
        }

        private fun weighed(
            samples: Int,
            made: Int,
            window: IntRange,
            kernel: Kernel,
        ): PassTable {
            val step = samples.toDouble() / made
            val wide = maxOf(step, 1.0)
            val reach = kernel.support * wide
            val size = window.last - window.first + 1
            val starts = IntArray(size)
            val places = IntArray(size + 1)
            for (index in 0 until size) {
                val centre = (window.first + index + 0.5) * step
                starts[index] = maxOf((centre - reach + 0.5).toInt(), 0)
                places[index + 1] = places[index] + minOf((centre + reach + 0.5).toInt(), samples) - starts[index]
            }
            val weights = IntArray(places[size])
            for (index in 0 until size) {
                val centre = (window.first + index + 0.5) * step
                fill(weights, places[index], places[index + 1], starts[index], centre, 1 / wide, kernel)
            }
            return PassTable(starts, places, weights)
        }

        /** The weights of one sample, from place [from] until [until]; the first is that of the sample [start]. */
        private fun fill(
            weights: IntArray,
            from: Int,
            until: Int,
            start: Int,
            centre: Double,
            scale: Double,
            kernel: Kernel,
        ) {
            val exact = DoubleArray(until - from) { kernel.weight((start + it - centre + 0.5) * scale) }
            var sum = 0.0
            for (weight in exact) sum += weight
            for (tap in exact.indices) weights[from + tap] = fixed(exact[tap] / sum)
        }

        /** To the nearest, halves away from zero. */
        private fun fixed(weight: Double): Int = (weight * ONE + if (weight < 0) -0.5 else 0.5).toInt()
    }
}

package io.github.mvmoe.runtime

import kotlin.math.abs

/** The least that an error is relative to. */
private const val SMALLEST_PEAK = 1e-3

/** The largest absolute value of each part of a reference: parts have nothing in common but that they are of one tensor. */
internal class Peaks(
    parts: Int = 1,
) {
    private val peaks = DoubleArray(parts) { SMALLEST_PEAK }

    operator fun get(part: Int): Double = peaks[part]

    val parts: IntRange get() = peaks.indices

    /** Counts a value of the reference. */
    fun see(
        part: Int,
        wanted: Float,
    ) {
        peaks[part] = maxOf(peaks[part], abs(wanted.toDouble()))
    }
}

/** The largest differences from a reference, part by part. */
internal class Errors(
    private val peaks: Peaks,
) {
    private val differences = DoubleArray(peaks.parts.count())

    /** Counts a value that was found; infinitely far off where one is not finite. */
    fun compare(
        part: Int,
        found: Float,
        wanted: Float,
    ) {
        val difference = abs(found.toDouble() - wanted.toDouble())
        differences[part] = maxOf(differences[part], if (difference.isFinite()) difference else Double.POSITIVE_INFINITY)
    }

    /** The largest error of all parts, each relative to the part's largest reference value. */
    fun relative(): Double = peaks.parts.maxOf { differences[it] / peaks[it] }

    /** Up to which margin a part's values may decide otherwise: two of them can move towards each other. */
    fun limit(
        part: Int,
        bound: Double,
    ): Double = 2 * minOf(differences[part], bound * peaks[part])
}

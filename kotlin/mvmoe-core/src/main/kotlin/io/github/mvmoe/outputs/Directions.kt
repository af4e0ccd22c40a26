package io.github.mvmoe.outputs

import kotlin.math.abs
import kotlin.math.sqrt

/** A vector of finite numbers with the length 1, in double precision; zeros stay zeros. */
internal fun directionOf(vector: FloatArray): DoubleArray {
    val peak = vector.maxOf { abs(it) }.toDouble()
    if (peak == 0.0) return DoubleArray(vector.size)
    // First to a peak of 1, as the page says: every language rounds alike.
    val scaled = DoubleArray(vector.size) { vector[it] / peak }
    val length = sqrt(scaled.sumOf { it * it })
    return DoubleArray(vector.size) { scaled[it] / length }
}

/** The cosine of two vectors of finite numbers and one length; 0 where one is of zeros. */
internal fun cosineOf(
    one: FloatArray,
    other: FloatArray,
): Double {
    val ours = directionOf(one)
    val theirs = directionOf(other)
    return ours.indices.sumOf { ours[it] * theirs[it] }
}

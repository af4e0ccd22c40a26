package io.github.mvmoe.routing

import java.nio.FloatBuffer
import kotlin.math.exp

/*
 * The arithmetic that rules share (`docs/bundle.md`, *Routing*): double precision, sums that start at 0 and add one expert
 * after the other in ascending order, without compensation, and what comes out rounded to fp32. So every language comes to
 * the same fp32 numbers, whatever its `exp` does in the last bit of a double.
 */

/** Step 2 of *Routing*: the scores `[E]` of the logits of one image, which [requireLogits] has seen. */
internal fun scoresOf(logits: FloatBuffer): FloatArray = softmax(logits.limit()) { logits.get(it) }

/**
 * Scores of a route's experts alone, in its order: the softmax of their own logits.
 *
 * It is their scores divided by the sum of these, without a gap: the scores of an imposed route may all underflow to 0.
 */
internal fun scoresWithin(
    route: Route,
    logits: FloatBuffer,
): FloatArray = softmax(route.size) { logits.get(route.expertAt(it)) }

private inline fun softmax(
    count: Int,
    logit: (Int) -> Float,
): FloatArray {
    var top = Double.NEGATIVE_INFINITY
    for (place in 0 until count) top = maxOf(top, logit(place).toDouble())
    val weights = DoubleArray(count)
    var total = 0.0
    for (place in 0 until count) {
        weights[place] = exp(logit(place).toDouble() - top)
        total += weights[place]
    }
    return FloatArray(count) { (weights[it] / total).toFloat() }
}

/** The scores of a route's experts, in its order. */
internal fun FloatArray.at(route: Route): FloatArray = FloatArray(route.size) { this[route.expertAt(it)] }

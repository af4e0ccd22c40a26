package io.github.mvmoe.routing

import java.nio.FloatBuffer
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln
import kotlin.math.ln1p

/** Two roundings to fp32, relative to what is rounded, and as much again for the logarithms. */
private const val STEP = 1.0 / (1 shl 22)

/** The logarithm of the smallest number of fp32 above 0. */
private val SMALLEST = -149 * ln(2.0)

/**
 * The logarithms `[E]` of the scores of finite logits, in double precision: of experts in [kept] first, descending, then of the
 * others, descending too; null keeps all.
 */
internal fun logScoresInOrder(
    logits: FloatBuffer,
    kept: IntArray? = null,
): DoubleArray {
    val every = descending(DoubleArray(logits.limit()) { logits.get(it).toDouble() })
    val top = every[0]
    val total = ln(every.sumOf { exp(it - top) })
    val ordered = if (kept == null) every else keptFirst(logits, kept)
    for (place in ordered.indices) ordered[place] = ordered[place] - top - total
    return ordered
}

private fun keptFirst(
    logits: FloatBuffer,
    kept: IntArray,
): DoubleArray {
    val (usable, others) = (0 until logits.limit()).partition { kept.binarySearch(it) >= 0 }
    return listOf(usable, others)
        .map { part -> descending(DoubleArray(part.size) { logits.get(part[it]).toDouble() }) }
        .reduce(DoubleArray::plus)
}

private fun descending(numbers: DoubleArray): DoubleArray = numbers.apply { sort() }.apply { reverse() }

/**
 * By how much logits keep the order of two scores, of which the logarithms are given; [lower] is minus infinity where there
 * is nothing below.
 *
 * It is the difference of the logits, less what fp32 scores cannot show: scores closer than a step of fp32 are equal, and so
 * are all that underflow.
 *
 * Let every logit change by half of t or less. Then the larger score, a, stays above a exp(-t), the smaller, b, below
 * b exp(t), and the ratio a / b above (a / b) exp(-t). So their difference stays above 2^-23 a for t < ln(a / b) - 2^-22, and
 * above 2^-149, the step of fp32 where scores underflow, for t < ln(a / (b + 2^-149)).
 */
internal fun orderMargin(
    lower: Double,
    upper: Double,
): Double {
    if (lower == Double.NEGATIVE_INFINITY) return Double.POSITIVE_INFINITY
    val steps = upper - lower - STEP
    val visible = upper - lnOfSum(lower, SMALLEST)
    return maxOf(minOf(steps, visible), 0.0)
}

/** `ln(share / (1 - share))`, infinite at 0 and 1. */
internal fun logOdds(share: Double): Double =
    when {
        share <= 0 -> Double.NEGATIVE_INFINITY
        share >= 1 -> Double.POSITIVE_INFINITY
        else -> ln(share) - ln1p(-share)
    }

/**
 * The log-odds of the sum of the first [count] of some scores, by their logarithms.
 *
 * Both sums are taken by themselves: one minus the other would cancel.
 */
internal fun logOddsOfFirst(
    ordered: DoubleArray,
    count: Int,
): Double {
    val first = (0 until count).sumOf { exp(ordered[it]) }
    val rest = (count until ordered.size).sumOf { exp(ordered[it]) }
    return ln(first) - ln(rest)
}

/** `ln(exp(a) + exp(b))`. */
private fun lnOfSum(
    a: Double,
    b: Double,
): Double = maxOf(a, b) + ln1p(exp(-abs(a - b)))

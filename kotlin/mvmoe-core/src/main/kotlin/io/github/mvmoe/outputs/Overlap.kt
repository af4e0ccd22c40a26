package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.Box

/** The area that two boxes share, divided by the area that they cover together. */
internal fun overlap(
    one: Box,
    other: Box,
): Double {
    val width = minOf(one.right, other.right) - maxOf(one.left, other.left)
    val height = minOf(one.bottom, other.bottom) - maxOf(one.top, other.top)
    val common = maxOf(width, 0.0) * maxOf(height, 0.0)
    return common / (one.width * one.height + other.width * other.height - common)
}

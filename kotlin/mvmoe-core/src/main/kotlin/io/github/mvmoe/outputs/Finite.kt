package io.github.mvmoe.outputs

/** Whether all values are numbers. */
internal fun areFinite(values: FloatArray): Boolean = values.all { it.isFinite() }

/** Whether all values of both sides are numbers; an image of which one is not has an agreement of 0. */
internal fun areFinite(
    given: FloatArray,
    wanted: FloatArray,
): Boolean = areFinite(given) && areFinite(wanted)

package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.outputs.DetectorRows.Companion.COORDINATES
import io.github.mvmoe.preprocessing.InputTransform

/** `boxes`: rows `[N, 4 + C]`: left, top, right, bottom in pixels of the input, then a score from 0 to 1 for each class. */
internal object BoxesKind : OutputKind {
    override val name: String get() = "boxes"

    override val form: String get() = "[N, 4 + C] with C of at least 1"

    override val measure: String get() = "share of boxes found on both sides"

    /** Pixels and scores have nothing in common, so each has its own largest value. */
    override val parts: List<String> = listOf("coordinates", "scores")

    override val decidingPart: Int get() = SCORES

    override fun fits(shape: List<Int>): Boolean = shape.size == 2 && shape[1] > COORDINATES

    override fun classes(shape: List<Int>): Int = shape[1] - COORDINATES

    override fun partOf(
        place: Int,
        shape: List<Int>,
    ): Int = if (place % shape[1] < COORDINATES) 0 else SCORES

    override fun agreement(
        given: FloatArray,
        wanted: FloatArray,
        shape: List<Int>,
        limit: Double,
    ): Double? =
        if (areFinite(given, wanted)) BoxComparison(DetectorRows(given, shape), DetectorRows(wanted, shape), limit).share() else 0.0

    override fun leastAgreement(bounds: Bounds): Double = bounds.agreement

    override fun output(
        spec: OutputSpec,
        shape: List<Int>,
        values: FloatArray,
        transform: InputTransform?,
    ): Output = BoxesOutput(spec, shape, values, transform)

    private const val SCORES = 1
}

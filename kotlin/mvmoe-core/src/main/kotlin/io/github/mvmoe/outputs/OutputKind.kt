package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/**
 * What an output's numbers mean (`docs/outputs.md`): its shape, what it decides, and how an app reads it.
 *
 * One object a kind, found by its name in a manifest ([OutputKinds.find]). Shapes are those of one image. What has no body has
 * to be written; the rest suits a kind that decides nothing and has no classes.
 */
internal interface OutputKind {
    val name: String

    /** The shape that it needs, in words: `[classes]`. */
    val form: String

    /** Whether the class of an image is the place of its highest value. */
    val classifies: Boolean get() = false

    /** What its agreement is called (`top-1 agreement`); null if it decides nothing. */
    val measure: String? get() = null

    /** The parts of its values, each compared with its own largest value. */
    val parts: List<String> get() = listOf("values")

    /** Which of [parts] has the numbers whose error may turn a decision. */
    val decidingPart: Int get() = 0

    /** Whether an output of this kind can have the shape; all sizes are at least 1. */
    fun fits(shape: List<Int>): Boolean

    /** How many labels an output of this shape has; null if its numbers are not of classes. */
    fun classes(shape: List<Int>): Int? = null

    /** Which of [parts] the value at a place belongs to. */
    fun partOf(
        place: Int,
        shape: List<Int>,
    ): Int = 0

    /**
     * How far what one image's values decide is the same, from 0 to 1; 0 where a value of either side is not finite.
     *
     * What the reference [wanted] decides by a margin up to [limit] is a near-tie, which rounding may turn, and is left out.
     * Null where the image decides nothing else, or the kind nothing at all.
     */
    fun agreement(
        given: FloatArray,
        wanted: FloatArray,
        shape: List<Int>,
        limit: Double = ALL_COUNT,
    ): Double? = null

    /** The agreement of all images that are counted as one number: the mean; 1 where none is. */
    fun summary(agreements: List<Double>): Double = if (agreements.isEmpty()) 1.0 else agreements.average()

    /** The least [summary] that a target with these bounds may have; null if the kind decides nothing. */
    fun leastAgreement(bounds: Bounds): Double? = null

    /** One image's output as an app reads it; [transform] is null where the input did not come from an image. */
    fun output(
        spec: OutputSpec,
        shape: List<Int>,
        values: FloatArray,
        transform: InputTransform?,
    ): Output

    companion object {
        /** A limit below every margin: nothing is a near-tie. */
        const val ALL_COUNT = -1.0
    }
}

package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/** `mask`: logits `[K, H, W]` of K classes for each place; of one class those of the foreground. */
internal object MaskKind : OutputKind {
    override val name: String get() = "mask"

    override val form: String get() = "[K, H, W]"

    override val measure: String get() = "share of pixels with the same class"

    override fun fits(shape: List<Int>): Boolean = shape.size == 3

    override fun classes(shape: List<Int>): Int = shape[0]

    override fun agreement(
        given: FloatArray,
        wanted: FloatArray,
        shape: List<Int>,
        limit: Double,
    ): Double? {
        if (!areFinite(given, wanted)) return 0.0
        val ours = PlaceClasses(given, shape)
        val theirs = PlaceClasses(wanted, shape)
        val decided = theirs.places.filter { theirs.margin(it) > limit }
        return if (decided.isEmpty()) null else decided.count { ours[it] == theirs[it] } / decided.size.toDouble()
    }

    override fun leastAgreement(bounds: Bounds): Double = bounds.agreement

    override fun output(
        spec: OutputSpec,
        shape: List<Int>,
        values: FloatArray,
        transform: InputTransform?,
    ): Output = MaskOutput(spec, shape, values, transform)
}

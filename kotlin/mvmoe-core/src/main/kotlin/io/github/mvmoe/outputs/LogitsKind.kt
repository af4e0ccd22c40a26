package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/** `logits`: scores `[classes]` before a softmax; the highest is the answer, of equal ones the lowest class. */
internal object LogitsKind : OutputKind {
    override val name: String get() = "logits"

    override val form: String get() = "[classes]"

    override val classifies: Boolean get() = true

    override val measure: String get() = "top-1 agreement"

    override fun fits(shape: List<Int>): Boolean = shape.size == 1

    override fun classes(shape: List<Int>): Int = shape[0]

    override fun agreement(
        given: FloatArray,
        wanted: FloatArray,
        shape: List<Int>,
        limit: Double,
    ): Double? {
        if (!areFinite(given, wanted)) return 0.0
        val reference = scoresOf(wanted)
        if (reference.margin() <= limit) return null
        return if (scoresOf(given).best() == reference.best()) 1.0 else 0.0
    }

    override fun leastAgreement(bounds: Bounds): Double = bounds.agreement

    override fun output(
        spec: OutputSpec,
        shape: List<Int>,
        values: FloatArray,
        transform: InputTransform?,
    ): Output = LogitsOutput(spec, shape, values)

    private fun scoresOf(values: FloatArray) = ClassScores(values, first = 0, step = 1, classes = values.size)
}

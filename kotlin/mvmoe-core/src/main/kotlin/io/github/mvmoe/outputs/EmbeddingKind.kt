package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/** `embedding`: a vector `[D]` whose direction is what counts; compared by its cosine. */
internal object EmbeddingKind : OutputKind {
    override val name: String get() = "embedding"

    override val form: String get() = "[D]"

    override val measure: String get() = "least cosine similarity"

    override fun fits(shape: List<Int>): Boolean = shape.size == 1

    override fun agreement(
        given: FloatArray,
        wanted: FloatArray,
        shape: List<Int>,
        limit: Double,
    ): Double? {
        if (!areFinite(given, wanted)) return 0.0
        // A reference of zeros points nowhere.
        return if (wanted.all { it == 0f }) null else cosineOf(given, wanted).coerceIn(0.0, 1.0)
    }

    /** The least of all images: their mean would hide one that points elsewhere. */
    override fun summary(agreements: List<Double>): Double = agreements.minOrNull() ?: 1.0

    /**
     * What an error of that size may take from a cosine, of small embeddings too: the bound on errors is relative to the
     * largest value of all images, and says nothing of where a small embedding points.
     */
    override fun leastAgreement(bounds: Bounds): Double = 1.0 - bounds.answerError

    override fun output(
        spec: OutputSpec,
        shape: List<Int>,
        values: FloatArray,
        transform: InputTransform?,
    ): Output = EmbeddingOutput(spec, shape, values)
}

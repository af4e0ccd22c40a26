package io.github.mvmoe.outputs

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.bundle.OutputSpec

/** A vector `[D]` whose direction is what counts: what is alike points the same way. */
public class EmbeddingOutput internal constructor(
    spec: OutputSpec,
    shape: List<Int>,
    values: FloatArray,
) : Output(spec, shape, values) {
    /** The vector `[D]` with the length 1, for an index of vectors; zeros stay zeros. */
    public fun normalized(): FloatArray = directionOf(values).let { exact -> FloatArray(exact.size) { exact[it].toFloat() } }

    /**
     * The cosine of this vector and another `[D]`, from -1 to 1; 0 where one is of zeros.
     *
     * @throws InputException for a vector of another length (`input.shape`).
     */
    public fun cosine(other: FloatArray): Double {
        if (other.size != values.size) {
            throw InputException(
                ErrorCode.INPUT_SHAPE,
                "a vector of ${other.size} numbers was given; expected ${values.size}, as the embedding has",
                mapOf("expected" to shape, "found" to listOf(other.size)),
            )
        }
        return cosineOf(values, other)
    }

    /** As that of its values. */
    public fun cosine(other: EmbeddingOutput): Double = cosine(other.values)
}

package io.github.mvmoe.preprocessing

import io.github.mvmoe.bundle.InputSpec

/**
 * What each level becomes in the model's input (`docs/bundle.md`, step 5).
 *
 * Factors are computed in double precision and rounded to fp32 once. Product and sum of two `Float`s are each rounded to fp32:
 * the JVM never makes a fused multiply-add of them, and neither does Android's compiler.
 */
internal class Normalization(
    input: InputSpec,
) {
    private val tables: List<FloatArray> =
        input.mean.zip(input.std) { mean, std ->
            val scale = (1 / (255 * std)).toFloat()
            val shift = (-mean / std).toFloat()
            FloatArray(LEVELS) { it * scale + shift }
        }

    /** The values of the levels 0 to 255 of a channel, in the order of the input's channels. */
    fun of(channel: Int): FloatArray = tables[channel]

    private companion object {
        const val LEVELS = 256
    }
}

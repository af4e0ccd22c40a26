package io.github.mvmoe.routing

import io.github.mvmoe.testing.bytesOfOne
import org.junit.jupiter.api.Test
import kotlin.random.Random
import kotlin.test.assertTrue

/** A route is selected between two graphs: what it allocates is the logits' weights and scores, and the answer. */
class SelectAllocationsTest {
    private val experts = 64
    private val logits = bufferOf(FloatArray(experts) { Random(it).nextDouble(-3.0, 3.0).toFloat() })

    private val kept = IntArray(experts / 2) { 2 * it }

    /** 12 bytes an expert are a double and a float; the rest are a few small objects, however many routes there are. */
    private val most = 12L * experts + 400

    @Test
    fun `no rule allocates more than that, and nothing is boxed`() {
        val rules =
            listOf(
                TopK(experts),
                TopK(experts, k = 8, renormalize = true),
                TopP(experts, p = 0.9, kMax = 8),
                Threshold(experts, DoubleArray(experts) { 2.0 }),
                TopK(experts, k = 8, renormalize = true, kept = kept),
                TopP(experts, p = 0.9, kMax = 8, kept = kept),
                Threshold(experts, DoubleArray(experts) { 2.0 }, kept),
                Given(experts, mapOf("a" to Route.of(0, 5)), otherwise = TopK(experts, k = 2)).chosen("a"),
            )
        for (rule in rules) {
            val bytes = bytesOfOne { rule.select(logits) }
            assertTrue(bytes <= most, "$rule allocates $bytes bytes; expected at most $most")
        }
    }
}

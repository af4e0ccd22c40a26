package io.github.mvmoe.demo.answering

import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule
import io.github.mvmoe.routing.Selection
import java.math.BigInteger
import java.nio.FloatBuffer
import kotlin.math.exp
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class RouterDecisionTest {
    /** A rule of that name with a margin; the library's own come from manifests. */
    private class Named(
        override val name: String,
        override val experts: Int,
        private val margin: Double = 1.5,
    ) : Rule {
        override val longest = 1
        override val lengths = listOf(1)
        override val usable = (0 until experts).toList()

        override fun count(): BigInteger = BigInteger.valueOf(experts.toLong())

        override fun routes(): Sequence<Route> = emptySequence()

        override fun routesOf(length: Int): Sequence<Route> = emptySequence()

        override fun contains(route: Route) = true

        override fun gates(
            route: Route,
            logits: FloatBuffer,
        ) = FloatArray(route.size)

        override fun margin(logits: FloatBuffer) = margin

        override fun select(logits: FloatBuffer) = Selection(Route.of(0), floatArrayOf(1f))

        override fun describe() = "the rule"
    }

    @Test
    fun `scores are the softmax, and the route is marked`() {
        val decision = RouterDecision.of("step1", Named("top_k", 3), listOf(1), floatArrayOf(0f, 2f, 1f))
        assertEquals(1.0, decision.experts.sumOf { it.score }, 1e-12)
        assertEquals(exp(2.0) / (1 + exp(2.0) + exp(1.0)), decision.experts[1].score, 1e-12)
        assertContentEquals(listOf(false, true, false), decision.experts.map { it.isChosen })
        assertEquals(1.5, decision.margin)
    }

    @Test
    fun `large logits do not overflow`() {
        val decision = RouterDecision.of("step1", Named("top_p", 2), listOf(0), floatArrayOf(1e30f, -1e30f))
        assertContentEquals(listOf(1.0, 0.0), decision.experts.map { it.score })
    }

    @Test
    fun `with thresholds each expert stands by itself`() {
        val decision = RouterDecision.of("step1", Named("threshold", 2), listOf(0, 1), floatArrayOf(0f, 0f))
        assertContentEquals(listOf(0.5, 0.5), decision.experts.map { it.score })
    }

    @Test
    fun `a route that nothing changes has no margin, one that the caller chose no scores`() {
        assertNull(RouterDecision.of("step1", Named("top_k", 1, Double.POSITIVE_INFINITY), listOf(0), floatArrayOf(3f)).margin)
        assertTrue(RouterDecision.of("step1", Named("given", 2), listOf(1), FloatArray(0)).experts.isEmpty())
    }

    @Test
    fun `of many experts those of the route and the best are shown, in their order`() {
        val logits = FloatArray(64) { it / 8f }
        val decision = RouterDecision.of("step1", Named("top_k", 64), listOf(5), logits)
        assertContentEquals(listOf(5, 61, 62, 63), decision.shown(4).map { it.expert })
        assertEquals(64, decision.shown(100).size)
    }
}

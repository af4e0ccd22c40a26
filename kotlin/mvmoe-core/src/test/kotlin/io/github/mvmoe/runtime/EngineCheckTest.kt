package io.github.mvmoe.runtime

import io.github.mvmoe.CheckFailedException
import io.github.mvmoe.CheckedOutput
import io.github.mvmoe.EngineCheck
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.TopK
import io.github.mvmoe.testing.boolean
import io.github.mvmoe.testing.double
import io.github.mvmoe.testing.doubleOrNull
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.ints
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.members
import io.github.mvmoe.testing.resource
import org.junit.jupiter.api.Test
import kotlin.math.abs
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The figures of an engine that is right, and of engines that are not. */
class EngineCheckTest {
    private val answer = floatArrayOf(1f, 2f, -4f)

    /** Two images of one router: the first is sure of its expert, the second as good as undecided. */
    private val golden =
        CheckCase(
            rules = listOf(TopK(3)),
            wantedLogits = listOf(listOf(floatArrayOf(0f, 2f, 1f), floatArrayOf(1f, 1f - 1e-6f, 0f))),
            wantedOutputs = mapOf("logits" to listOf(answer, answer)),
        )

    @Test
    fun `an engine that answers rightly passes`() {
        val found = golden.check()
        assertTrue(found.ok)
        assertEquals(listOf(2, 0, 0), listOf(found.images, found.rerouted.size, found.nearTies.size))
        assertEquals(0.0, found.routerError)
        assertEquals(0.0, found.answerError)
        assertEquals(1.0, found.outputs.getValue("logits").agreement)
        found.requireOk()
    }

    @Test
    fun `one that is off by a hundredth is refused with the figures`() {
        val found = golden.check(outputs = mapOf("logits" to listOf(scaled(1.01f), scaled(1f))))
        assertFalse(found.ok)
        assertEquals(0.01, found.answerError, 1e-6)
        assertEquals(emptyList(), found.rerouted)
        val error = assertFailsWith<CheckFailedException> { found.requireOk() }
        assertEquals(ErrorCode.CHECK_ENGINE, error.code)
        assertEquals(
            mapOf(
                "rerouted" to emptyList<Int>(),
                "router_error" to 0.0,
                "router_error_bound" to 1e-4,
                "answer_error" to found.answerError,
                "answer_error_bound" to 1e-4,
                "disagreeing" to emptyList<String>(),
            ),
            error.fields,
        )
        assertTrue("outputs by 0.010 (bound 0.00010)" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `another route is a fault, and what comes of it is not compared`() {
        val logits = listOf(listOf(floatArrayOf(3f, 2f, 1f), golden.wantedLogits[0][1]))
        val found = golden.check(logits = logits, outputs = mapOf("logits" to listOf(scaled(-9f), answer)))
        assertEquals(listOf(0), found.rerouted)
        assertEquals(1.5, found.routerError)
        assertEquals(0.0, found.answerError)
        assertFalse(found.ok)
    }

    @Test
    fun `between two experts that are as good as equal either route is right`() {
        val logits = listOf(listOf(golden.wantedLogits[0][0], floatArrayOf(1f, 1f + 2e-6f, 0f)))
        val found = golden.check(logits = logits)
        assertEquals(listOf(1), found.nearTies)
        assertTrue(found.ok)
    }

    @Test
    fun `logits that are not finite have no route and are infinitely far off`() {
        val logits = listOf(listOf(golden.wantedLogits[0][0], floatArrayOf(1f, Float.NaN, 0f)))
        val found = golden.check(logits = logits, routes = listOf(listOf(Route.of(1)), emptyList()))
        assertEquals(listOf(1), found.rerouted)
        assertEquals(Double.POSITIVE_INFINITY, found.routerError)
        assertFalse(found.ok)
    }

    @Test
    fun `a value that is not finite is infinitely far off, and agrees with nothing`() {
        val found = golden.check(outputs = mapOf("logits" to listOf(answer, floatArrayOf(1f, Float.POSITIVE_INFINITY, -4f))))
        assertEquals(Double.POSITIVE_INFINITY, found.answerError)
        assertEquals(0.5, found.outputs.getValue("logits").agreement)
        val error = assertFailsWith<CheckFailedException> { found.requireOk() }
        assertEquals(listOf("logits"), error.fields["disagreeing"])
        assertTrue("the output logits has a top-1 agreement of 0.5 (at least 1.0)" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `golden vectors that are not finite pass nobody`() {
        val wanted = mapOf("logits" to listOf(floatArrayOf(Float.NaN, 0f, 0f), answer))
        val broken = CheckCase(golden.rules, golden.wantedLogits, wanted)
        assertFalse(broken.check().ok)
        val logits = listOf(listOf(floatArrayOf(Float.NaN, 0f, 0f), golden.wantedLogits[0][1]))
        val routes = listOf(listOf(Route.of(0), Route.of(1)))
        val found =
            CheckCase(
                golden.rules,
                logits,
                golden.wantedOutputs,
                wantedRoutes = routes,
            ).check(routes = List(2) { listOf(Route.of(1)) })
        assertEquals(listOf(0), found.rerouted)
        assertFalse(found.ok)
    }

    @Test
    fun `if no image takes its route there are no outputs to compare`() {
        val logits = listOf(List(2) { floatArrayOf(0f, 0f, 9f) })
        val found = golden.check(logits = logits)
        assertEquals(listOf(0) to listOf(1), found.rerouted to found.nearTies)
        assertEquals(emptyMap(), found.outputs)
        assertEquals(0.0, found.answerError)
    }

    @Test
    fun `a kind that decides nothing has an error alone`() {
        val found = CheckCase(golden.rules, golden.wantedLogits, mapOf("tensor" to listOf(answer, answer))).check()
        val output = found.outputs.getValue("tensor")
        assertNull(output.agreement)
        assertNull(output.measure)
        assertTrue(output.agrees)
    }

    @Test
    fun `every figure has to be within its bound`() {
        val good = checkOf()
        assertTrue(good.ok)
        assertFalse(checkOf(rerouted = listOf(1)).ok)
        assertFalse(checkOf(routerError = 2e-4).ok)
        assertFalse(checkOf(answerError = 2e-4).ok)
        assertFalse(checkOf(answerError = Double.NaN).ok)
        assertFalse(checkOf(agreement = 0.5).ok)
        assertTrue(checkOf(nearTies = listOf(1)).ok)
    }

    @Test
    fun `figures are those of mvmoe_deploy`() {
        val cases = resource("outputs/checks.json")["checks"].items()
        assertTrue(cases.size >= 100)
        for (case in cases) assertSame(case, checkCaseOf(case).checkAnswered())
    }

    private fun assertSame(
        case: JsonValue,
        found: EngineCheck,
    ) {
        assertEquals(case["rerouted"].ints(), found.rerouted)
        assertEquals(case["near_ties"].ints(), found.nearTies)
        assertNear(case["router_error"].double(), found.routerError)
        assertNear(case["answer_error"].double(), found.answerError)
        assertEquals(case["router_error_bound"].double(), found.routerErrorBound)
        assertEquals(case["answer_error_bound"].double(), found.answerErrorBound)
        assertEquals(case["checked"].members().keys, found.outputs.keys)
        for ((name, wanted) in case["checked"].members()) assertSame(wanted.items(), found.outputs.getValue(name))
        assertEquals(case["ok"].boolean(), found.ok)
    }

    private fun assertSame(
        wanted: List<JsonValue>,
        found: CheckedOutput,
    ) {
        assertNear(wanted[0].double(), found.error)
        assertNear(wanted[1].doubleOrNull() ?: 1.0, found.agreement ?: 1.0)
        assertEquals(wanted[1].doubleOrNull() == null, found.agreement == null)
        assertEquals(wanted[2].doubleOrNull(), found.leastAgreement)
        assertEquals(wanted[3].boolean(), found.agrees)
    }

    /** Sums of a few doubles, in another order; and the least peak, which Python rounds to fp32. */
    private fun assertNear(
        wanted: Double,
        found: Double,
    ) = assertTrue(wanted == found || abs(wanted - found) <= 1e-7 * abs(wanted) + 1e-14, "$found instead of $wanted")

    private fun scaled(factor: Float) = FloatArray(answer.size) { answer[it] * factor }

    private fun checkOf(
        rerouted: List<Int> = emptyList(),
        nearTies: List<Int> = emptyList(),
        routerError: Double = 1e-4,
        answerError: Double = 1e-4,
        agreement: Double = 0.9,
    ): EngineCheck {
        val output = CheckedOutput("mask", "share", agreement, leastAgreement = 0.9, error = answerError)
        return EngineCheck(3, rerouted, nearTies, routerError, 1e-4, answerError, 1e-4, mapOf("mask" to output))
    }
}

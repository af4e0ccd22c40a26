package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import org.junit.jupiter.api.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

class GivenTest {
    private val named = mapOf("depth" to Route.of(0, 1), "segment" to Route.of(3), "depth2" to Route.of(0, 1))
    private val callers = Given(4, named, "task")
    private val routed = Given(4, named, "task", TopK(4))

    @Test
    fun `what may be chosen is said with its names in order`() {
        val rules = listOf(TopK(4), callers, Given(2, mapOf("low" to Route.of(0)), "power", TopK(2)))
        assertEquals(mapOf("task" to listOf("depth", "depth2", "segment"), "power" to listOf("low")), Choices.of(rules))
        assertEquals(setOf("task"), Choices.required(rules).keys)
    }

    @Test
    fun `a name gives its route, with gates of 1 where there is no router`() {
        val (selector) = Choices.selectors(listOf(callers), mapOf("task" to "depth"))
        val found = selector.select(bufferOf(FloatArray(0)))
        assertEquals(Route.of(0, 1), found.route)
        assertContentEquals(floatArrayOf(1f, 1f), found.gates)
    }

    @Test
    fun `gates of one answer are not those of the next`() {
        val selector = callers.chosen("segment")
        selector.select(bufferOf(FloatArray(0))).gates[0] = 7f
        assertContentEquals(floatArrayOf(1f), selector.select(bufferOf(FloatArray(0))).gates)
    }

    @Test
    fun `null is as good as left out`() {
        val logits = bufferOf(floatArrayOf(0f, 0f, 2f, 0f))
        for (choices in listOf(emptyMap(), mapOf("task" to null))) {
            val (selector) = Choices.selectors(listOf(routed), choices)
            assertEquals(Route.of(2), selector.select(logits).route)
            assertEquals(ErrorCode.ROUTING_CHOICE_MISSING, refused(callers, choices).code)
        }
    }

    @Test
    fun `a wrong choice is refused with what was expected`() {
        val unknown = refused(callers, mapOf("task" to "sort\u001b"))
        assertEquals(ErrorCode.ROUTING_CHOICE_UNKNOWN, unknown.code)
        assertEquals(mapOf("choice" to "task", "given" to "sort\u001b", "expected" to listOf("depth", "depth2", "segment")), unknown.fields)
        assertTrue('\u001b' !in unknown.message.orEmpty())
        val other = refused(callers, mapOf("task" to "depth", "mode" to "x", "a" to "x"))
        assertEquals(ErrorCode.ROUTING_NO_SUCH_CHOICE, other.code)
        assertEquals(mapOf("given" to "a", "expected" to listOf("task")), other.fields)
        assertEquals(ErrorCode.ROUTING_NO_SUCH_CHOICE, refused(TopK(4), mapOf("task" to "depth")).code)
    }

    @Test
    fun `stages with one choice must have the same names, and a router in all or none`() {
        assertNull(Choices.contradiction(listOf(callers, callers, TopK(4), Given(4, named, "other", TopK(4)))))
        assertEquals("task", Choices.contradiction(listOf(callers, routed)))
        assertEquals("task", Choices.contradiction(listOf(callers, Given(4, named - "depth", "task"))))
    }

    @Test
    fun `golden images take the names in order, then no name where there is a router`() {
        assertEquals(listOf("depth", "depth2", "segment"), Choices.turnsOf(callers))
        assertEquals(listOf("depth", "depth2", "segment", null), Choices.turnsOf(routed))
        val logits = bufferOf(floatArrayOf(0f, 0f, 2f, 0f))
        val routes = (0..4).map { Choices.selectorInTurn(routed, it).select(logits).route }
        assertEquals(listOf(Route.of(0, 1), Route.of(0, 1), Route.of(3), Route.of(2), Route.of(0, 1)), routes)
    }

    @Test
    fun `named routes come by the order of their names, each once, before the router's`() {
        val rule = Given(3, mapOf("b" to Route.of(0, 2), "a" to Route.of(1), "c" to Route.of(1)), otherwise = TopK(3))
        assertEquals(listOf(Route.of(1), Route.of(0, 2), Route.of(0), Route.of(2)), rule.routes().toList())
    }

    @Test
    fun `rules are said in words`() {
        assertEquals("one of 2 routes of 4 experts, as the caller's task says", callers.describe())
        assertEquals("top 1 of 4 experts, or as the caller's task says", routed.describe())
        assertEquals("top 2 of 4 experts, gates of 1", TopK(4, 2, unitGates = true).describe())
        assertEquals("top p = 0.5 of 8 experts, at most 2, renormalized", TopP(8, 0.5, 2, renormalize = true).describe())
    }

    private fun refused(
        rule: Rule,
        choices: Map<String, String?>,
    ): InputException = assertFailsWith<InputException> { Choices.selectors(listOf(rule), choices) }
}

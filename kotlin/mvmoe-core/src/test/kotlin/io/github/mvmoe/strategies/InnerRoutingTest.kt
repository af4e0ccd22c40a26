package io.github.mvmoe.strategies

import io.github.mvmoe.RoutingException
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.TopK
import io.github.mvmoe.routing.bufferOf
import org.junit.jupiter.api.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class InnerRoutingTest {
    private val inner = InnerRouting(listOf(TopK(3), TopK(2, unitGates = true), TopK(4, k = 2)))
    private val row = floatArrayOf(0f, 2f, 1f, 5f, 4f, 0f, 3f, 0f, 3f)

    @Test
    fun `each router has its own columns, one after the other`() {
        val logits = inner.logits(bufferOf(row)).map { part -> List(part.limit()) { part.get(it) } }
        assertEquals(listOf(listOf(0f, 2f, 1f), listOf(5f, 4f), listOf(0f, 3f, 0f, 3f)), logits)
    }

    @Test
    fun `routes and gates are those of the rules`() {
        val found = inner.select(bufferOf(row))
        assertEquals(listOf(Route.of(1), Route.of(0), Route.of(1, 3)), found.map { it.route })
        assertContentEquals(floatArrayOf(1f), found[1].gates)
        assertContentEquals(TopK(3).select(bufferOf(floatArrayOf(0f, 2f, 1f))).gates, found[0].gates)
    }

    @Test
    fun `a logit that is not finite is an error of its router`() {
        val error = assertFailsWith<RoutingException> { inner.select(bufferOf(row.copyOf().also { it[4] = Float.NaN })) }
        assertEquals(1, error.fields["expert"])
    }
}

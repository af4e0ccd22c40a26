package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.routing.Given
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule
import io.github.mvmoe.routing.Threshold
import io.github.mvmoe.routing.TopK
import io.github.mvmoe.routing.TopP
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Which graphs a stage has, and what they take: docs/bundle.md, *Tensors of the graphs*. */
class StrategiesTest {
    private val topTwo = TopK(experts = 4, k = 2)
    private val upToTwo = TopP(experts = 4, p = 0.5, kMax = 2)
    private val all = Strategies.names.map { assertNotNull(Strategies.find(it)) }

    @Test
    fun `strategies are found by their names in a manifest`() {
        assertEquals(listOf("all-experts", "bind", "dispatch", "experts", "gather"), Strategies.names)
        assertEquals(Strategies.names, all.map { it.name })
        assertNull(Strategies.find("Dispatch"))
    }

    @Test
    fun `what each one is`() {
        assertEquals(listOf("bind", "dispatch", "experts"), all.filter { it.separatesExperts }.map { it.name })
        assertEquals(listOf("bind"), all.filter { it.bindsWeights }.map { it.name })
        assertEquals(listOf("all-experts", "gather"), all.filter { it.routesInGraph }.map { it.name })
        assertEquals(listOf("experts"), all.filter { it.slots(topTwo) > 0 }.map { it.name })
    }

    @Test
    fun `the graphs of a stage`() {
        assertEquals(topTwo.routes().toList(), DispatchStrategy.graphs(topTwo).toList())
        assertEquals(listOf(Route.of(0), Route.of(0, 1)), BindStrategy.graphs(upToTwo).toList())
        assertEquals(listOf(Route.of(0), Route.of(1), Route.of(2), Route.of(3), null), ExpertsStrategy.graphs(topTwo).toList())
        assertEquals(listOf(null), GatherStrategy.graphs(topTwo).toList())
        assertEquals(listOf(null), AllExpertsStrategy.graphs(topTwo).toList())
    }

    @Test
    fun `the graphs of a stage that keeps some experts`() {
        val some = TopK(experts = 4, k = 2, kept = intArrayOf(0, 1, 3))
        assertEquals(listOf(Route.of(0, 1), Route.of(0, 3), Route.of(1, 3)), DispatchStrategy.graphs(some).toList())
        assertEquals(listOf(Route.of(0), Route.of(1), Route.of(3), null), ExpertsStrategy.graphs(some).toList())
        assertEquals(listOf(Route.of(0, 1)), BindStrategy.graphs(some).toList())
        assertEquals(Route.of(0, 3), BindStrategy.example(some, Route.of(0, 1), listOf(Route.of(0, 1))))
        assertEquals(listOf(3, 4), AllExpertsStrategy.inputs(some, null, 3).getValue("gates").shape)
        val named = Given(4, mapOf("a" to Route.of(2)), otherwise = TopK(4, kept = intArrayOf(1)))
        assertEquals(listOf(Route.of(1), Route.of(2), null), ExpertsStrategy.graphs(named).toList())
        assertEquals(listOf(0, 3), Given(4, mapOf("a" to Route.of(3), "b" to Route.of(0))).usable)
    }

    @Test
    fun `graphs of more routes than memory holds are listed lazily`() {
        assertEquals(Route.of(0), DispatchStrategy.graphs(Threshold(4096, DoubleArray(4096))).first())
    }

    @Test
    fun `the graphs that serve a route, in the order in which they run`() {
        val route = Route.of(1, 3)
        assertEquals(listOf<Route?>(route), DispatchStrategy.serving(route))
        assertEquals(listOf<Route?>(Route.of(0, 1)), BindStrategy.serving(route))
        assertEquals(listOf(Route.of(1), Route.of(3), null), ExpertsStrategy.serving(route))
        assertEquals(listOf(null), GatherStrategy.serving(route))
        assertEquals(listOf(null), AllExpertsStrategy.serving(route))
    }

    @Test
    fun `each graph that serves a route is one of the stage's, and the last gives what the stage gives`() {
        for (strategy in all) {
            for (rule in listOf<Rule>(topTwo, upToTwo)) {
                val graphs = strategy.graphs(rule).toList()
                for (route in rule.routes()) {
                    val serving = strategy.serving(route)
                    assertTrue(graphs.containsAll(serving), "${strategy.name} $route")
                    assertFalse(strategy.isJoined(rule, serving.last()))
                    assertEquals(strategy.slots(rule) > 0, serving.dropLast(1).any { strategy.isJoined(rule, it) })
                }
            }
        }
    }

    @Test
    fun `a graph that only routes which finish images would run is not needed`() {
        val finishes = listOf(Route.of(0), Route.of(1), Route.of(2), Route.of(3))
        assertFalse(DispatchStrategy.isNeeded(upToTwo, Route.of(2), finishes))
        assertTrue(DispatchStrategy.isNeeded(upToTwo, Route.of(0, 1), finishes))
        assertFalse(BindStrategy.isNeeded(upToTwo, Route.of(0), finishes))
        assertTrue(BindStrategy.isNeeded(upToTwo, Route.of(0), finishes.drop(1)))
        assertTrue(BindStrategy.isNeeded(upToTwo, Route.of(0, 1), finishes))
        // An expert that a longer route may have is computed.
        assertTrue(ExpertsStrategy.isNeeded(upToTwo, Route.of(2), finishes))
        assertFalse(ExpertsStrategy.isNeeded(TopK(4), Route.of(2), finishes.takeLast(2)))
        assertTrue(ExpertsStrategy.isNeeded(TopK(4), null, finishes.takeLast(2)))
        assertTrue(GatherStrategy.isNeeded(TopK(4), null, finishes.takeLast(2)))
    }

    @Test
    fun `an example is the first route that a graph serves and that runs`() {
        assertEquals(Route.of(0, 2), BindStrategy.example(topTwo, Route.of(0, 1), listOf(Route.of(0, 1))))
        assertNull(BindStrategy.example(TopK(2), Route.of(0), listOf(Route.of(0), Route.of(1))))
        assertEquals(Route.of(1, 2), DispatchStrategy.example(topTwo, Route.of(1, 2)))
        assertEquals(Route.of(0, 3), ExpertsStrategy.example(topTwo, Route.of(3)))
        assertEquals(Route.of(1), GatherStrategy.example(Given(4, mapOf("a" to Route.of(1))), null))
    }

    @Test
    fun `what graphs take beside tensors, slots and weights`() {
        assertEquals(mapOf("gates" to listOf(3, 2)), shapes(DispatchStrategy, Route.of(1, 3)))
        assertEquals(mapOf("gates" to listOf(3, 1)), shapes(BindStrategy, Route.of(0)))
        assertEquals(emptyMap(), shapes(ExpertsStrategy, Route.of(1)))
        assertEquals(mapOf("gates" to listOf(3, 2)), shapes(ExpertsStrategy, null))
        assertEquals(mapOf("gates" to listOf(3, 4)), shapes(AllExpertsStrategy, null))
        assertEquals(mapOf("gates" to listOf(3, 2), "experts" to listOf(3, 2)), shapes(GatherStrategy, null))
        val inputs = GatherStrategy.inputs(upToTwo, null, 1)
        assertEquals(listOf("gates", "experts"), inputs.keys.toList())
        assertEquals(setOf(DType.INT64, DType.INT32), inputs.getValue("experts").dtypes)
    }

    @Test
    fun `slots are named by their place`() {
        assertEquals("slot1_output", slotInput(1, "output"))
        assertEquals(1, slotOf("slot1_output"))
        assertEquals(12, slotOf("slot12_a.b"))
        assertEquals(Int.MAX_VALUE, slotOf("slot99999999999_x"))
        for (other in listOf("slot1", "slot1_", "slot_output", "xslot1_output", "gates")) assertNull(slotOf(other))
    }

    private fun shapes(
        strategy: Strategy,
        graph: Route?,
    ) = strategy.inputs(upToTwo, graph, 3).mapValues { it.value.shape }
}

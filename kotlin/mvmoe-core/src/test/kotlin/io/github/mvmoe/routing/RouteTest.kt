package io.github.mvmoe.routing

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotEquals

class RouteTest {
    @Test
    fun `it is a list of its experts, and equals every other`() {
        val route = Route.of(0, 3)
        assertEquals<List<Int>>(listOf(0, 3), route)
        assertEquals<List<Int>>(route, listOf(0, 3))
        assertEquals(listOf(0, 3).hashCode(), route.hashCode())
        assertEquals("a", mapOf<List<Int>, String>(route to "a")[listOf(0, 3)])
        assertEquals(Route.of(0, 3), route)
        assertNotEquals(Route.of(0, 2), route)
        assertNotEquals(Route.of(0), route)
        assertEquals("[0, 3]", route.toString())
    }

    @Test
    fun `it does not change with the array that it was made of`() {
        val experts = intArrayOf(1, 2)
        val route = Route.of(*experts)
        experts[0] = 7
        assertEquals<List<Int>>(listOf(1, 2), route)
    }
}

package io.github.mvmoe.demo.experts

import io.github.mvmoe.Pin
import io.github.mvmoe.routing.Route
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class BudgetScaleTest {
    private fun expert(
        number: Int,
        stage: String,
        bytes: Long,
    ) = Expert("$stage$number", stage, Route.of(number), bytes, bytes, Pin.expert(number))

    private val experts = listOf(expert(0, "a", 10), expert(1, "a", 30), expert(2, "a", 20), expert(0, "b", 0))

    @Test
    fun `places are limits, and the last one is none`() {
        val scale = BudgetScale.ofExperts(experts)
        assertEquals(listOf(1, 2, null), (0..scale.last).map(scale::limit))
        assertEquals(1, scale.place(2))
        assertEquals(scale.last, scale.place(null))
        assertEquals(scale.last, scale.place(9))
    }

    @Test
    fun `bytes have room for one expert more at each place`() {
        val scale = BudgetScale.ofBytes(experts)
        assertEquals(listOf(30L, 50L, 60L, null), (0..scale.last).map(scale::limit))
        assertEquals(1, scale.place(31))
    }

    @Test
    fun `without experts there is nothing to choose`() {
        assertEquals(0, BudgetScale.ofExperts(emptyList()).last)
        assertNull(BudgetScale.ofBytes(emptyList()).limit(0))
    }
}

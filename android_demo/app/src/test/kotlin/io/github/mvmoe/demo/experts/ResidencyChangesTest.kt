package io.github.mvmoe.demo.experts

import io.github.mvmoe.Pin
import io.github.mvmoe.Residency
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class ResidencyChangesTest {
    private val before = Residency(maxExperts = 2, maxBytes = 100, pin = listOf(Pin.expert(1)))

    @Test
    fun `a pin comes and goes, and the rest stays`() {
        val pinned = before.withPin(Pin.expert(3), true)
        assertEquals(listOf(Pin.expert(1), Pin.expert(3)), pinned.pin)
        assertEquals(listOf<Any?>(2, 100L), listOf(pinned.maxExperts, pinned.maxBytes))
        assertEquals(listOf(Pin.expert(3)), pinned.withPin(Pin.expert(1), false).pin)
    }

    @Test
    fun `pinning twice is pinning once`() {
        assertEquals(listOf(Pin.expert(1)), before.withPin(Pin.expert(1), true).pin)
    }

    @Test
    fun `limits change alone`() {
        assertNull(before.withMaxExperts(null).maxExperts)
        assertEquals(100L, before.withMaxExperts(null).maxBytes)
        assertEquals(7L, before.withMaxBytes(7).maxBytes)
        assertEquals(before.pin, before.withMaxBytes(null).pin)
    }
}

package io.github.mvmoe.demo.bench

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class MedianTest {
    private fun medianOf(values: Iterable<Long>) = Median().also { values.forEach(it::plusAssign) }.get()

    @Test
    fun `it is the middle, or between the two in the middle`() {
        assertNull(medianOf(emptyList()))
        assertEquals(7, medianOf(listOf(7)))
        assertEquals(5, medianOf(listOf(9, 5, 1)))
        assertEquals(4, medianOf(listOf(9, 5, 1, 3)))
    }

    @Test
    fun `many numbers are kept`() {
        assertEquals(2500, medianOf((0L..5000L).shuffled(kotlin.random.Random(1))))
    }
}

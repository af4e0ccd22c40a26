package io.github.mvmoe.demo.views

import kotlin.test.Test
import kotlin.test.assertEquals

class AxisTest {
    @Test
    fun `marks are round numbers and have room for the largest value`() {
        assertEquals(listOf(0.0, 1.0, 2.0, 3.0), Axis.upTo(2.3).marks)
        assertEquals(listOf(0.0, 20.0, 40.0, 60.0, 80.0), Axis.upTo(71.0).marks)
        assertEquals(80.0, Axis.upTo(80.0).top)
        assertEquals(2000.0, Axis.upTo(1999.0).top)
    }

    @Test
    fun `digits tell the marks apart`() {
        assertEquals(0, Axis.upTo(71.0).digits)
        assertEquals(1, Axis.upTo(0.9).digits)
        assertEquals(2, Axis.upTo(0.17).digits)
    }

    @Test
    fun `nothing to show has an axis, too`() {
        assertEquals(listOf(0.0, 1.0), Axis.upTo(0.0).marks)
        assertEquals(listOf(0.0, 1.0), Axis.upTo(Double.NaN).marks)
    }
}

package io.github.mvmoe.demo.views

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class CurveTest {
    @Test
    fun `few values are points of their own`() {
        val curve = Curve(most = 8)
        listOf(3.0, 1.0, 2.0).forEachIndexed { x, y -> curve.add(x.toDouble(), y) }
        assertEquals(listOf(0.0, 1.0, 2.0), curve.points.map { it.x })
        assertEquals(listOf(3.0, 1.0, 2.0), curve.points.map { it.middle })
    }

    @Test
    fun `many values become few points that keep the smallest and the largest`() {
        val curve = Curve(most = 8)
        repeat(1000) { curve.add(it.toDouble(), if (it == 617) 90.0 else 5.0 + it % 2) }
        val points = curve.points
        assertTrue(points.size <= 8, "${points.size} points")
        assertEquals(5.0, points.minOf { it.low })
        assertEquals(90.0, points.maxOf { it.high })
        assertTrue(points.all { it.middle in 5.0..6.0 }, "one slow answer is not the middle of a point")
        assertEquals(points.map { it.x }.sorted(), points.map { it.x })
    }

    @Test
    fun `one slow answer does not flatten a chart`() {
        val curve = Curve(most = 200)
        repeat(100) { curve.add(it.toDouble(), if (it == 40) 900.0 else 4.0) }
        assertEquals(4.0, ChartData(100.0, listOf(ChartSeries(0, curve.points))).height)
    }

    @Test
    fun `a chart has room for what is usually the slowest`() {
        val curve = Curve(most = 200)
        repeat(100) { curve.add(it.toDouble(), if (it % 4 == 0) 6.0 else 4.0) }
        assertEquals(6.0, ChartData(100.0, listOf(ChartSeries(0, curve.points))).height)
    }
}

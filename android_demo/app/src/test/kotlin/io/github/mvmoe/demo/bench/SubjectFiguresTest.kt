package io.github.mvmoe.demo.bench

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull

class SubjectFiguresTest {
    private val figures = SubjectFigures("dispatcher onnx")

    @Test
    fun `answers give a median and a curve in milliseconds`() {
        listOf(3_000_000L, 1_000_000L, 2_000_000L).forEach(figures::answered)
        val now = figures.snapshot()
        assertEquals(listOf<Any?>(3, 2_000_000L), listOf(now.answers, now.medianNs))
        assertEquals(listOf(0.0 to 3.0, 1.0 to 1.0, 2.0 to 2.0), now.latency.map { it.x to it.middle })
    }

    @Test
    fun `the peak is the largest that was seen`() {
        figures.held(addedBytes = 5, peak = 40)
        assertEquals(40, figures.snapshot().peakBytes)
        figures.sustainedFor(1, 1, 1, null, null, pss = 70)
        figures.sustainedFor(2, 1, 1, null, null, pss = 60)
        assertEquals(70, figures.snapshot().peakBytes)
        assertEquals(5, figures.snapshot().addedBytes)
    }

    @Test
    fun `a system that does not say leaves no peak and no heat`() {
        figures.held(addedBytes = 5, peak = null)
        figures.sustainedFor(60_000_000_000, 2_000_000, 9_000_000, null, null, null)
        val now = figures.snapshot()
        assertNull(now.peakBytes)
        val sustained = assertNotNull(now.sustained)
        assertEquals(0, sustained.heat.size)
        assertNull(sustained.headroom)
        val point = sustained.curve.single()
        assertEquals(listOf(1.0, 2.0, 9.0), listOf(point.x, point.middle, point.high))
    }

    @Test
    fun `the beginning and the end of answers without a pause are told apart`() {
        figures.sustainedFor(5, 100, 300, "none", 0.4, null)
        figures.sustainedFor(10, 120, 400, "light", 0.7, null)
        figures.sustainedFor(15, 150, 900, "light", null, null)
        val sustained = assertNotNull(figures.snapshot().sustained)
        assertEquals(listOf(100L, 150L, 15L), listOf(sustained.firstMedianNs, sustained.lastMedianNs, sustained.lastNs))
        assertEquals(0.7, sustained.headroom)
        assertEquals(listOf("none", "light"), sustained.heat.map { it.status })
    }
}

package io.github.mvmoe.bench.jobs

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

class CameraTest {
    /** Time passes only while somebody sleeps or answers. */
    private var now = 5_000 * MS
    private val slept = ArrayList<Long>()
    private val camera = Camera(100.0, { now }, ::sleep)

    @Test
    fun `frames come at the rate, and the time between is slept`() {
        assertEquals(0, after(-1))
        now += 3 * MS
        assertEquals(1, after(0))
        assertEquals(listOf(7 * MS), slept)
        assertEquals(0, camera.late(1))
    }

    @Test
    fun `after a long answer the newest frame is taken, and not those before`() {
        now += 37 * MS
        assertEquals(3, after(0))
        assertEquals(7 * MS, camera.late(3))
        assertEquals(emptyList(), slept)
    }

    @Test
    fun `a frame is never taken twice`() {
        now += 12 * MS
        assertEquals(listOf(1L, 2L, 3L), listOf(after(0), after(1), after(2)))
    }

    @Test
    fun `a long wait is slept in pieces, and ends where it is cancelled`() {
        val slow = Camera(1.0, { now }, ::sleep)
        assertEquals(1, slow.frameAfter(0) { slept.size == 3 })
        assertEquals(List(3) { 100 * MS }, slept)
    }

    private fun after(frame: Long) = camera.frameAfter(frame) { false }

    private fun sleep(nanoseconds: Long) {
        slept += nanoseconds
        now += nanoseconds
    }

    private companion object {
        const val MS = 1_000_000L
    }
}

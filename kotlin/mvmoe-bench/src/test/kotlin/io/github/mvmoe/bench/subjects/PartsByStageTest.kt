package io.github.mvmoe.bench.subjects

import io.github.mvmoe.runtime.Laps
import io.github.mvmoe.runtime.Part
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Where the time of an answer went, stage by stage. */
class PartsByStageTest {
    private val imposed = listOf(Part.SELECT, Part.IMPOSE, Part.SELECT)
    private val oneGraph = listOf(Part.LOAD, Part.EXPERT)

    @Test
    fun `each stage has the parts of its own graphs`() {
        val laps = lapsOf(listOf(Part.STEM, Part.SELECT) + oneGraph + Part.SELECT + oneGraph + oneGraph)
        val parts = PartsByStage(laps, stages = 3)
        val found = parts.laps()
        assertEquals(laps.nanoseconds(0), found.stem)
        assertEquals(listOf(laps.nanoseconds(1), laps.nanoseconds(4), 0), found.select)
        assertEquals(listOf(laps.nanoseconds(2), laps.nanoseconds(5) + laps.nanoseconds(7), 0), found.load)
        assertEquals(listOf(laps.nanoseconds(3), laps.nanoseconds(6) + laps.nanoseconds(8), 0), found.expert)
        assertEquals(listOf(1, 2, 0), parts.graphs.map { it.size })
        assertEquals(laps.nanoseconds(7) to laps.nanoseconds(8), parts.graphs[1][1])
    }

    @Test
    fun `what it took to impose a route is no part of an answer`() {
        val laps = lapsOf(listOf(Part.STEM) + imposed + oneGraph + imposed + oneGraph)
        val found = PartsByStage(laps, stages = 2).laps()
        assertEquals(listOf(laps.nanoseconds(1) + laps.nanoseconds(3), laps.nanoseconds(6) + laps.nanoseconds(8)), found.select)
        val all = (0 until laps.count).sumOf(laps::nanoseconds)
        val imposing = laps.nanoseconds(2) + laps.nanoseconds(7)
        assertEquals(all - imposing, found.total - found.rest)
    }

    @Test
    fun `the parts and the rest are all of the time`() {
        val laps = lapsOf(listOf(Part.STEM, Part.SELECT) + oneGraph)
        val found = PartsByStage(laps, stages = 1).laps()
        val total = laps.timings().total
        assertTrue(found.total in 1..total, "$found of $total")
    }

    private fun lapsOf(parts: List<Part>): Laps =
        Laps().apply {
            start()
            for (part in parts) {
                Thread.sleep(0, 100_000)
                end(part)
            }
        }
}

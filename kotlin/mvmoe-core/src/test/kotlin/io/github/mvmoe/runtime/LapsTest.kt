package io.github.mvmoe.runtime

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Where the time of an inference goes. */
class LapsTest {
    @Test
    fun `parts are kept in order, and added up`() {
        val laps = Laps().apply { start() }
        val parts = listOf(Part.PREPROCESS, Part.STEM) + List(20) { listOf(Part.SELECT, Part.LOAD, Part.EXPERT) }.flatten()
        parts.forEach(laps::end)
        assertEquals(parts, List(laps.count, laps::part))
        val sums = parts.indices.groupBy(laps::part).mapValues { (_, places) -> places.sumOf(laps::nanoseconds) }
        val found = laps.timings()
        assertEquals(
            sums,
            mapOf(
                Part.PREPROCESS to found.preprocess,
                Part.STEM to found.stem,
                Part.SELECT to found.select,
                Part.LOAD to found.load,
                Part.EXPERT to found.expert,
            ),
        )
        assertTrue(found.total >= sums.values.sum())
    }

    @Test
    fun `the next inference starts again`() {
        val laps = Laps().apply { start() }
        laps.end(Part.STEM)
        laps.start()
        assertEquals(0, laps.count)
        assertEquals(0, laps.timings().stem)
    }
}

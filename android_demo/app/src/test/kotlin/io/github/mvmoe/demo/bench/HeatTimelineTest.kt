package io.github.mvmoe.demo.bench

import kotlin.test.Test
import kotlin.test.assertEquals

class HeatTimelineTest {
    @Test
    fun `looks that say the same are one stretch`() {
        val heat = HeatTimeline()
        listOf(5L to "none", 10L to "none", 15L to "moderate", 20L to "none").forEach { (at, status) -> heat.add(at, status) }
        assertEquals(
            listOf("none 0-10", "moderate 10-15", "none 15-20"),
            heat.stretches.map { "${it.status} ${it.fromNs}-${it.toNs}" },
        )
    }

    @Test
    fun `what is hotter has a higher level, and the hottest all the same one`() {
        val heat = HeatTimeline()
        listOf("none", "light", "moderate", "severe", "critical").forEachIndexed { index, status -> heat.add(index + 1L, status) }
        val levels = heat.stretches.map { it.level }
        assertEquals(levels.sorted(), levels)
        assertEquals(listOf(0f, 1f, 1f), listOf(levels.first(), levels[3], levels[4]))
    }

    @Test
    fun `a phone that does not say has no stretches`() {
        assertEquals(0, HeatTimeline().apply { add(5, null) }.stretches.size)
    }
}

package io.github.mvmoe.demo.experts

import io.github.mvmoe.LoadState
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class LoadLogTest {
    private var ms = 1000L
    private var ns = 0L
    private val log = LoadLog(most = 3, nowMs = { ms }, nowNs = { ns })

    private fun see(
        state: LoadState,
        graph: String = "e0",
    ) = log.see(mapOf("other" to LoadState.UNLOADED) + (graph to state))

    @Test
    fun `a load is timed from its beginning to its end`() {
        see(LoadState.UNLOADED)
        ns = 5
        see(LoadState.LOADING)
        ns = 47
        ms = 1001
        see(LoadState.READY)
        val event = log.events.single()
        assertEquals(listOf("e0", LoadChange.LOADED, 42L, 1001L), listOf(event.graph, event.change, event.tookNs, event.atMs))
        assertEquals(mapOf("e0" to 42L), log.lastLoadNs)
    }

    @Test
    fun `what is in memory when the log begins is no event`() {
        see(LoadState.READY)
        assertEquals(0, log.events.size)
        assertEquals(emptyMap(), log.lastLoadNs)
    }

    @Test
    fun `a release and a failure are events without a time`() {
        see(LoadState.READY)
        see(LoadState.UNLOADED)
        see(LoadState.LOADING)
        see(LoadState.FAILED)
        assertEquals(listOf(LoadChange.FAILED, LoadChange.RELEASED), log.events.map { it.change })
        assertNull(log.events.first().tookNs)
    }

    @Test
    fun `a load that is given up is no event`() {
        see(LoadState.UNLOADED)
        see(LoadState.LOADING)
        see(LoadState.UNLOADED)
        assertEquals(0, log.events.size)
    }

    @Test
    fun `the newest events are kept`() {
        see(LoadState.UNLOADED)
        repeat(5) {
            ms = it.toLong()
            see(LoadState.READY)
            see(LoadState.UNLOADED)
        }
        assertEquals(listOf(4L, 4L, 3L), log.events.map { it.atMs })
    }
}

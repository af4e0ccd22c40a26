package io.github.mvmoe.demo.experts

import io.github.mvmoe.Dispatcher
import io.github.mvmoe.LoadState
import io.github.mvmoe.Pin
import io.github.mvmoe.onnx.OnnxEngine
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Over the small bundles that every language's dispatcher is tested with, one a strategy. */
class ExpertsModelTest {
    private fun withModel(
        bundle: String,
        work: suspend (Dispatcher, ExpertsModel) -> Unit,
    ) {
        val folder = File(System.getProperty("mvmoe.repository"), "tests/conformance/answers/bundles/$bundle")
        Dispatcher.open(folder, OnnxEngine(threads = 1)).use { dispatcher ->
            ExpertsModel(dispatcher).use { model -> runBlocking { withTimeout(30_000) { work(dispatcher, model) } } }
        }
    }

    private suspend fun ExpertsModel.until(isSo: (ExpertsSnapshot) -> Boolean): ExpertsSnapshot = snapshots.first(isSo)

    @Test
    fun `experts of dispatch come and go, and each load is in the log with its time`() =
        withModel("dispatch") { dispatcher, model ->
            assertEquals(ExpertMemory.LOADED, model.snapshots.value.memory)
            assertEquals(0, model.snapshots.value.inMemory)
            model.load()
            val loaded = model.until { it.inMemory == it.rows.size && it.events.size == it.rows.size }
            assertTrue(loaded.rows.all { assertNotNull(it.lastLoadNs) > 0 })
            assertEquals(
                dispatcher.target.graphs
                    .filter { it.route != null }
                    .sumOf { it.weightBytes },
                loaded.bytesInMemory,
            )
            model.limitExperts(1)
            val limited = model.until { it.inMemory == 1 }
            assertEquals(LoadChange.RELEASED, limited.events.first().change)
            assertNull(limited.error)
        }

    @Test
    fun `changes in a row all count`() =
        withModel("dispatch") { dispatcher, model ->
            val (first, second) = model.experts
            model.limitExperts(1)
            model.pin(first, true)
            model.pin(second, true)
            model.pin(first, false)
            model.limitBytes(5_000_000)
            model.until { it.residency.maxBytes == 5_000_000L }
            assertEquals(listOf(Pin.graph(second.key)), dispatcher.residency.pin)
            assertEquals(1, dispatcher.residency.maxExperts)
        }

    @Test
    fun `experts of bind are mapped, and have the sizes of their ranges`() =
        withModel("bind") { dispatcher, model ->
            val now = model.snapshots.value
            assertEquals(ExpertMemory.MAPPED, now.memory)
            assertEquals(dispatcher.target.experts.sumOf { it.size }, now.rows.size)
            assertTrue(now.rows.all { it.state == LoadState.MAPPED })
            assertEquals(dispatcher.target.experts.flatMap { stage -> stage.map { it.bytes } }, now.rows.map { it.expert.bytes })
            model.pin(model.experts.first(), true)
            assertTrue(
                model
                    .until { it.residency.pin.isNotEmpty() }
                    .rows
                    .first()
                    .isPinned,
            )
            model.limitExperts(1)
            assertTrue("no effect" in model.until { it.notes.isNotEmpty() }.notes.single())
        }

    @Test
    fun `a target with its experts in one graph has none that comes or goes`() =
        withModel("in_graph") { _, model ->
            assertEquals(ExpertMemory.TOGETHER, model.snapshots.value.memory)
            assertEquals(0, model.snapshots.value.rows.size)
        }

    @Test
    fun `experts of several stages have the stage's name`() =
        withModel("two_stages") { dispatcher, model ->
            val routed = dispatcher.target.graphs.filter { it.route != null }
            assertEquals(
                routed.map {
                    dispatcher.bundle.manifest.stages[it.stage]
                        .name
                },
                model.experts.map { it.stage },
            )
            assertTrue(model.experts.distinctBy { it.stage }.size > 1)
        }
}

package io.github.mvmoe.onnx

import io.github.mvmoe.BundleException
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.LoadState
import io.github.mvmoe.PartialResultException
import io.github.mvmoe.Residency
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The dispatcher over the real engine, where something is wrong or several things happen at once. */
@Timeout(120)
internal class DispatcherTest {
    @TempDir
    lateinit var folder: File
    private val onnx = OnnxEngine(threads = 1)
    private val golden = Golden(AnswerBundles.open("dispatch"))
    private val imageOf = (0 until 3).associateWith { expert -> (0 until golden.images).first { golden.route(1, it) == listOf(expert) } }

    @AfterEach
    fun `nothing native is left`() {
        assertEquals(listOf(0, 0, 0), listOf(onnx.sessionCount, onnx.tensorCount, onnx.optionsCount))
    }

    private fun image(expert: Int) = golden.of("image", imageOf.getValue(expert))

    private fun Dispatcher.assertAnswers(expert: Int) {
        val answer = this.run(image(expert)).single()
        assertEquals<List<Int>?>(listOf(expert), answer.route)
        assertTrue(golden.error(answer.outputs.getValue("answer").values, "outputs.answer", imageOf.getValue(expert)) <= Golden.BOUND)
    }

    /** The error of the only image of a call. */
    private fun Dispatcher.failureOf(expert: Int): EngineException {
        val failure = assertThrows<PartialResultException> { this.run(image(expert)) }.failures.getValue(0)
        return failure as EngineException
    }

    @Test
    fun `a dispatcher that binds weights has the tensors of all experts when it is open`() {
        Dispatcher.open(AnswerBundles.root("bind"), onnx).use { dispatcher ->
            val weights =
                dispatcher.bundle
                    .target("onnx")
                    .experts
                    .sumOf { row -> row.sumOf { it.tensors.size } }
            val before = onnx.tensorCount
            assertTrue(before > weights, "$before tensors, with $weights weights")
            repeat(2) { dispatcher.run(golden.of("image", 0)) }
            // Gates, and what the last graph gives: no weight is made a tensor again.
            assertTrue(onnx.tensorCount <= before + 3, "$before tensors, then ${onnx.tensorCount}")
        }
    }

    @Test
    fun `a bundle without a target for the engine says which it has`() {
        val copy = BundleCopy("dispatch", folder)
        copy.edit { it.replace(""""format": "onnx"""", """"format": "coreml"""").replace(""""onnx": {""", """"coreml": {""") }
        val error = assertThrows<BundleException> { Dispatcher.open(copy.root, onnx) }
        assertEquals(ErrorCode.BUNDLE_NO_TARGET, error.code)
        assertContains(error.message.orEmpty(), "coreml")
    }

    @Test
    fun `a graph that is cut off, with right hashes, is an error of the images that need it`() {
        val copy = BundleCopy("dispatch", folder)
        copy.replace("onnx/step1_e1.onnx") { it.copyOf(it.size / 2) }
        Dispatcher.open(copy.root, onnx).use { dispatcher ->
            dispatcher.assertAnswers(0)
            repeat(2) {
                val failure = dispatcher.failureOf(1)
                assertEquals(ErrorCode.ENGINE_LOAD_FAILED, failure.code)
                assertEquals("step1_e1", failure.fields["graph"])
            }
            assertEquals(LoadState.FAILED, dispatcher.loadStates.value["step1_e1"])
            dispatcher.assertAnswers(2)
        }
    }

    @Test
    fun `a stem that is cut off opens nothing`() {
        val copy = BundleCopy("dispatch", folder)
        copy.replace("onnx/stem.onnx") { it.copyOf(it.size / 2) }
        val error = assertThrows<EngineException> { Dispatcher.open(copy.root, onnx) }
        assertEquals(ErrorCode.ENGINE_LOAD_FAILED, error.code)
        assertEquals("stem", error.fields["graph"])
    }

    @Test
    fun `weights that are cut off, with right hashes, open nothing`() {
        val copy = BundleCopy("dispatch", folder)
        copy.replace("onnx/weights.bin") { it.copyOf(64) }
        assertEquals(ErrorCode.ENGINE_LOAD_FAILED, assertThrows<EngineException> { Dispatcher.open(copy.root, onnx) }.code)
    }

    @Test
    fun `bytes that are no graph, with right hashes, are refused in one line`() {
        for ((name, bytes) in mapOf(
            "empty" to ByteArray(1),
            "text" to "no graph".repeat(50).toByteArray(),
            "ones" to ByteArray(4096) { -1 },
        )) {
            val copy = BundleCopy("dispatch", File(folder, name))
            copy.replace("onnx/step1_e1.onnx") { bytes }
            Dispatcher.open(copy.root, onnx).use { dispatcher ->
                val failure = dispatcher.failureOf(1)
                assertContains(listOf(ErrorCode.ENGINE_LOAD_FAILED, ErrorCode.ENGINE_WRONG_SIGNATURE), failure.code, name)
                assertEquals(
                    1,
                    failure.message
                        .orEmpty()
                        .lines()
                        .size,
                )
            }
        }
    }

    @Test
    fun `a graph with other tensors is an error of the images that need it`() {
        val copy = BundleCopy("dispatch", folder)
        copy.edit { it.replace(""""file": "onnx/step1_e1.onnx"""", """"file": "onnx/stem.onnx"""") }
        Dispatcher.open(copy.root, onnx).use { dispatcher ->
            val failure = dispatcher.failureOf(1)
            assertEquals(ErrorCode.ENGINE_WRONG_SIGNATURE, failure.code)
            assertEquals("step1_e1", failure.fields["graph"])
            dispatcher.assertAnswers(0)
        }
    }

    @Test
    fun `a graph that fails in a run stays, and so does the dispatcher`() {
        val copy = BundleCopy("dispatch", folder)
        copy.replace("onnx/step1_e0.onnx") { javaClass.getResource("/failing_step.onnx")!!.readBytes() }
        Dispatcher.open(copy.root, onnx).use { dispatcher ->
            repeat(2) { assertEquals(ErrorCode.ENGINE_RUN_FAILED, dispatcher.failureOf(0).code) }
            assertEquals(listOf("step1_e0"), dispatcher.resident)
            dispatcher.assertAnswers(1)
        }
    }

    @Test
    fun `two calls at once that need the same cold expert load it once`() {
        val engine = WatchedEngine(onnx)
        Dispatcher.open(AnswerBundles.root("dispatch"), engine).use { dispatcher ->
            engine.hold("step1_e1")
            val failures = ConcurrentLinkedQueue<Throwable>()
            val calls = List(4) { thread { runCatching { dispatcher.assertAnswers(1) }.onFailure(failures::add) } }
            engine.isLoading.await()
            dispatcher.assertAnswers(0) // Which waits for no load of another one.
            engine.release()
            calls.forEach(Thread::join)
            assertEquals(emptyList(), failures.toList())
            assertEquals(listOf("stem", "step1_e1", "step1_e0"), engine.loads.toList())
        }
    }

    @Test
    fun `a call that is cancelled while its expert loads ends, and the next one answers`() {
        val engine = WatchedEngine(onnx)
        Dispatcher.open(AnswerBundles.root("dispatch"), engine).use { dispatcher ->
            engine.hold("step1_e1")
            runBlocking {
                val call = async { dispatcher.runAsync(image(1)) }
                while (engine.isLoading.count > 0) delay(1)
                val releasing = thread { Thread.sleep(50).also { engine.release() } }
                call.cancelAndJoin()
                assertTrue(call.isCancelled)
                releasing.join()
            }
            dispatcher.assertAnswers(1)
            assertEquals(listOf("step1_e1"), dispatcher.resident)
        }
    }

    @Test
    fun `closing from another thread waits for the calls in flight, and frees everything`() {
        repeat(5) {
            val dispatcher = Dispatcher.open(AnswerBundles.root("dispatch"), onnx, Residency(maxExperts = 1))
            val failures = ConcurrentLinkedQueue<Throwable>()
            val answered = AtomicInteger()
            val calls =
                List(3) { worker ->
                    thread {
                        try {
                            while (true) dispatcher.assertAnswers((answered.getAndIncrement() + worker) % 3)
                        } catch (closed: InputException) {
                            assertEquals(ErrorCode.DISPATCHER_CLOSED, closed.code)
                        } catch (failure: Throwable) {
                            failures += failure
                        }
                    }
                }
            while (answered.get() < 30) Thread.sleep(1)
            dispatcher.close()
            assertEquals(listOf(0, 0, 0), listOf(onnx.sessionCount, onnx.tensorCount, onnx.optionsCount))
            calls.forEach(Thread::join)
            assertEquals(emptyList(), failures.toList())
        }
    }

    @Test
    fun `one engine serves several dispatchers, each with graphs of its own`() {
        val names = listOf("dispatch", "bind", "experts")
        val opened = names.map { Dispatcher.open(AnswerBundles.root(it), onnx) }
        opened.forEach { it.check().requireOk() }
        opened[0].close()
        opened.drop(1).forEach { it.check().requireOk() }
        opened.forEach(Dispatcher::close)
    }

    @Test
    fun `two threads a graph answer as one does`() {
        Dispatcher.open(AnswerBundles.root("two_stages"), OnnxEngine(threads = 2)).use { it.check().requireOk() }
    }
}

/** Another engine, whose loads are listed, and of which one graph's can be held. */
private class WatchedEngine(
    private val engine: Engine,
) : Engine by engine {
    val loads = ConcurrentLinkedQueue<String>()
    val isLoading = CountDownLatch(1)
    private val released = CountDownLatch(1)

    @Volatile
    private var held: String? = null

    /** The next loads of that graph wait until it is released. */
    fun hold(graph: String) {
        held = graph
    }

    fun release(): Unit = released.countDown()

    override fun open(
        root: File,
        target: Target,
    ): Runner {
        val runner = engine.open(root, target)
        return object : Runner by runner {
            override fun load(graph: Graph): LoadedGraph {
                loads += graph.name
                if (graph.name == held) {
                    isLoading.countDown()
                    awaitRelease()
                }
                return runner.load(graph)
            }
        }
    }

    /** As a load in an engine, it does not end before its time where its thread is interrupted. */
    private fun awaitRelease() {
        var isInterrupted = false
        while (released.count > 0) {
            try {
                released.await()
            } catch (_: InterruptedException) {
                isInterrupted = true
            }
        }
        if (isInterrupted) Thread.currentThread().interrupt()
    }
}

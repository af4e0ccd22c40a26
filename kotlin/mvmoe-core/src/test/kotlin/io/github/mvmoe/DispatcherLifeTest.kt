package io.github.mvmoe

import io.github.mvmoe.runtime.SuspendingCallers
import io.github.mvmoe.runtime.ToyBundle
import io.github.mvmoe.runtime.ToyEngine
import io.github.mvmoe.runtime.ToyModel
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.Random
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.FutureTask
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.math.abs
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Calls at once, cancelled, under memory pressure, and at the end of a dispatcher. */
@Timeout(60)
class DispatcherLifeTest {
    @TempDir
    lateinit var folder: File

    private val rule = mapOf("type" to "top_k", "experts" to 3, "k" to 1)
    private val model = ToyModel("dispatch", listOf(rule))
    private val engine = ToyEngine(model)

    private fun open(residency: Residency = Residency()): Dispatcher = Dispatcher.open(ToyBundle(model, folder).write(), engine, residency)

    /** An image that takes an expert. */
    private fun imageOf(expert: Int): FloatArray = model.image(1f, List(3) { if (it == expert) 9f else 0f })

    @AfterTest
    fun `the engine was used as its contract says`() {
        assertNull(engine.faults())
    }

    /** A point in the engine where the first thread that comes waits. */
    private inner class Hold(
        private val name: String,
    ) {
        private val inside = CountDownLatch(1)
        private val go = CountDownLatch(1)

        fun at(graph: String) {
            if (graph != name) return
            inside.countDown()
            go.await()
        }

        fun awaitInside() = assertTrue(inside.await(20, TimeUnit.SECONDS))

        fun release() = go.countDown()
    }

    private fun holdLoad(name: String) = Hold(name).also { engine.beforeLoad = it::at }

    private fun holdRun(name: String) = Hold(name).also { engine.beforeRun = it::at }

    private fun <T> inThread(call: () -> T): Pair<Thread, FutureTask<T>> = FutureTask(call).let { thread { it.run() } to it }

    private fun awaitParked(thread: Thread) {
        while (thread.state != Thread.State.WAITING) Thread.sleep(1)
    }

    @Test
    fun `two predictions that need the same cold expert load it once`() {
        open().use { dispatcher ->
            val hold = holdLoad("s1_r1")
            val (_, first) = inThread { dispatcher.run(imageOf(1)) }
            hold.awaitInside()
            val (thread, second) = inThread { dispatcher.run(imageOf(1)) }
            awaitParked(thread)
            assertEquals(LoadState.LOADING, dispatcher.loadStates.value["s1_r1"])
            hold.release()
            assertEquals(
                listOf(1),
                first
                    .get()
                    .single()
                    .route!!
                    .toList(),
            )
            assertEquals(
                listOf(1),
                second
                    .get()
                    .single()
                    .route!!
                    .toList(),
            )
            assertEquals(listOf("stem", "s1_r1"), engine.loads)
            assertEquals(LoadState.READY, dispatcher.loadStates.value["s1_r1"])
        }
    }

    @Test
    fun `close from another thread waits, and later calls say that it is closed`() {
        val dispatcher = open()
        val hold = holdRun("s1_r0")
        val (_, call) = inThread { dispatcher.run(imageOf(0)) }
        hold.awaitInside()
        val (closing, closed) = inThread { dispatcher.close() }
        awaitParked(closing)
        assertEquals(ErrorCode.DISPATCHER_CLOSED, assertFailsWith<InputException> { dispatcher.run(imageOf(0)) }.code)
        assertEquals(ErrorCode.DISPATCHER_CLOSED, assertFailsWith<InputException> { dispatcher.prewarm() }.code)
        assertEquals(emptyList(), engine.freed)
        hold.release()
        closed.get()
        assertEquals(1, call.get().size)
        assertEquals(setOf("stem", "s1_r0"), engine.freed.toSet())
        assertEquals(emptyList(), dispatcher.resident)
        assertTrue(
            dispatcher.loadStates.value.values
                .all { it == LoadState.UNLOADED },
        )
        dispatcher.trim()
        dispatcher.close()
    }

    @Test
    fun `a call whose observer closes the dispatcher is answered, and frees everything`() {
        val dispatcher = open()
        runBlocking {
            val closing =
                launch(Dispatchers.Unconfined) {
                    dispatcher.loadStates.first { it["s1_r2"] == LoadState.READY }
                    dispatcher.close()
                }
            assertEquals(1, dispatcher.run(imageOf(2)).size)
            closing.join()
        }
        assertEquals(setOf("stem", "s1_r2"), engine.freed.toSet())
    }

    @Test
    fun `memory pressure in the middle of a prediction lets it end and frees what it used`() {
        open(Residency(pin = listOf(Pin.expert(1)))).use { dispatcher ->
            listOf(1, 2).forEach { dispatcher.run(imageOf(it)) }
            val hold = holdRun("s1_r0")
            val (_, call) = inThread { dispatcher.run(imageOf(0)) }
            hold.awaitInside()
            dispatcher.trim()
            assertEquals(listOf("s1_r1"), dispatcher.resident)
            assertEquals(listOf("s1_r2"), engine.freed)
            hold.release()
            assertEquals(1, call.get().size)
            assertEquals(listOf("s1_r2", "s1_r0"), engine.freed)
            assertEquals(1, dispatcher.run(imageOf(0)).size)
        }
    }

    @Test
    fun `trimming gives up spare buffers with their bindings`() {
        open().use { dispatcher ->
            val hold = holdRun("s1_r0")
            val calls = List(3) { inThread { dispatcher.run(imageOf(0)) }.second }
            hold.awaitInside()
            hold.release()
            calls.forEach { it.get() }
            val before = engine.bindings
            dispatcher.trim()
            assertEquals(0, engine.bindings, "of $before")
            assertEquals(1, dispatcher.run(imageOf(0)).size)
        }
    }

    @Test
    fun `limits and pins can be changed while it is open`() {
        open().use { dispatcher ->
            (0..2).forEach { dispatcher.run(imageOf(it)) }
            dispatcher.residency = Residency(maxExperts = 2, pin = listOf(Pin.graph("s1_r0")))
            assertEquals(listOf("s1_r0", "s1_r2"), dispatcher.resident)
            assertFailsWith<InputException> { dispatcher.residency = Residency(pin = listOf(Pin.expert(7))) }
            assertEquals(2, dispatcher.residency.maxExperts)
            dispatcher.trim()
            assertEquals(listOf("s1_r0"), dispatcher.resident)
            dispatcher.residency = Residency(maxBytes = 10)
            dispatcher.run(imageOf(1))
            assertEquals(listOf("s1_r1"), dispatcher.resident)
        }
    }

    @Test
    fun `a cancelled call that waits for a load leaves it to the others`() =
        runBlocking {
            val callers = SuspendingCallers()
            val bundle = ToyBundle(model, folder).write()
            Dispatcher.open(bundle, engine, options = OpenOptions(context = callers)).use { dispatcher ->
                val hold = holdLoad("s1_r1")
                val loading = async(Dispatchers.IO + CoroutineName("A")) { dispatcher.runAsync(imageOf(1)) }
                hold.awaitInside()
                val waiting = async(Dispatchers.IO + CoroutineName("B")) { dispatcher.runAsync(imageOf(1)) }
                while (callers.threadOf("B")?.state != Thread.State.WAITING) Thread.sleep(1)
                waiting.cancelAndJoin()
                assertFailsWith<CancellationException> { waiting.await() }
                hold.release()
                assertEquals(1, loading.await().size)
                assertEquals(listOf("stem", "s1_r1"), engine.loads)
            }
        }

    @Test
    fun `a load that the engine finishes is kept although its caller was cancelled`() =
        runBlocking {
            open().use { dispatcher ->
                val inside = CountDownLatch(1)
                engine.beforeLoad = {
                    inside.countDown()
                    // An engine does not notice interruptions.
                    val end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(50)
                    while (System.nanoTime() < end) Thread.onSpinWait()
                }
                val call = async(Dispatchers.IO) { dispatcher.runAsync(imageOf(1)) }
                assertTrue(inside.await(20, TimeUnit.SECONDS))
                call.cancelAndJoin()
                assertEquals(listOf("s1_r1"), dispatcher.resident)
                dispatcher.runAsync(imageOf(1))
                assertEquals(listOf("stem", "s1_r1"), engine.loads)
            }
        }

    @Test
    fun `opening that is cancelled leaves nothing open`() =
        runBlocking {
            ToyBundle(model, folder).write()
            val inside = CountDownLatch(1)
            val go = CountDownLatch(1)
            engine.beforeRun = {}
            engine.beforeLoad = {
                inside.countDown()
                while (go.count > 0) Thread.onSpinWait()
            }
            val opening = async(Dispatchers.Default) { Dispatcher.openAsync(folder, engine) }
            assertTrue(inside.await(20, TimeUnit.SECONDS))
            opening.cancel()
            go.countDown()
            assertFailsWith<CancellationException> { opening.await() }
            opening.join()
            assertNull(engine.faults())
        }

    @Test
    fun `an interrupted call that has to load says so, and one whose expert is there answers`() {
        open().use { dispatcher ->
            dispatcher.run(imageOf(0))
            Thread.currentThread().interrupt()
            assertEquals(1, dispatcher.run(imageOf(0)).size)
            assertFailsWith<InterruptedException> { dispatcher.run(imageOf(1)) }
            assertEquals(listOf("stem", "s1_r0"), engine.loads)
        }
    }

    @Test
    fun `a graph that fails to run stays, and its calls have the error`() {
        open().use { dispatcher ->
            engine.beforeRun = { if (it == "s1_r0") throw EngineException(ErrorCode.ENGINE_RUN_FAILED, "told to fail") }
            val partial = assertFailsWith<PartialResultException> { dispatcher.run(imageOf(0)) }
            assertEquals(ErrorCode.ENGINE_RUN_FAILED, partial.failures.getValue(0).code)
            assertEquals(listOf("s1_r0"), dispatcher.resident)
            engine.beforeRun = {}
            assertEquals(1, dispatcher.run(imageOf(0)).size)
            assertEquals(1, engine.loads.count { it == "s1_r0" })
        }
    }

    @Test
    fun `no memory for another image is an error of its own`() {
        open().use { dispatcher ->
            engine.beforeLoad = { throw OutOfMemoryError("Cannot reserve direct buffer memory") }
            val both = imageOf(0) + imageOf(1)
            assertEquals(ErrorCode.LIMIT_MEMORY, assertFailsWith<ResourceLimitException> { dispatcher.run(both) }.code)
        }
    }

    @Test
    fun `many threads at once, with every strategy, keep limits and leave nothing open`() {
        for (strategy in listOf("dispatch", "experts", "bind")) {
            val model = ToyModel(strategy, List(2) { mapOf("type" to "top_k", "experts" to 4, "k" to 2) })
            val engine = ToyEngine(model)
            val bundle = File(folder, strategy).also { it.mkdir() }
            val dispatcher = Dispatcher.open(ToyBundle(model, bundle).write(), engine, Residency(maxExperts = 2))
            val failed = AtomicInteger()
            engine.beforeLoad = {
                if (Random().nextInt(8) == 0) {
                    failed.incrementAndGet()
                    throw EngineException(ErrorCode.ENGINE_LOAD_FAILED, "told to fail")
                }
            }
            stress(dispatcher, model, System.nanoTime() + TimeUnit.SECONDS.toNanos(2))
            dispatcher.residency = Residency(maxExperts = 2)
            assertTrue(
                dispatcher.resident
                    .groupBy { it.substringBefore('_') }
                    .values
                    .all { it.size <= 2 },
                dispatcher.resident.toString(),
            )
            dispatcher.close()
            assertNull(engine.faults(), strategy)
            assertEquals(engine.loads.size - failed.get(), engine.freed.size, strategy)
        }
    }

    private fun stress(
        dispatcher: Dispatcher,
        model: ToyModel,
        end: Long,
    ) = runBlocking(Dispatchers.Default) {
        val faults = ConcurrentLinkedQueue<Throwable>()
        val workers =
            List(6) { seed ->
                launch(Dispatchers.IO) {
                    val random = Random(seed.toLong())
                    while (System.nanoTime() < end) {
                        try {
                            act(dispatcher, model, random)
                        } catch (_: PartialResultException) {
                        } catch (failure: Throwable) {
                            faults += failure
                            break
                        }
                    }
                }
            }
        workers.joinAll()
        assertEquals(emptyList(), faults.toList())
    }

    private suspend fun act(
        dispatcher: Dispatcher,
        model: ToyModel,
        random: Random,
    ) {
        val count = if (random.nextInt(8) == 0) 5 else 1
        val images = FloatArray(count * model.width) { random.nextInt(9) / 4f }
        when (random.nextInt(60)) {
            0 -> dispatcher.trim()
            1 -> dispatcher.residency = Residency(maxExperts = 1 + random.nextInt(3))
            2 -> dispatcher.prewarmAsync()
            3 -> coroutineScope { launch { dispatcher.runAsync(images) }.cancelAndJoin() }
            else -> assertRight(dispatcher.run(images), images, model)
        }
    }

    private fun assertRight(
        answers: List<Answer>,
        images: FloatArray,
        model: ToyModel,
    ) {
        for ((number, answer) in answers.withIndex()) {
            val image = images.copyOfRange(number * model.width, (number + 1) * model.width)
            val routes = answer.routes.map { it.toList() }
            check(routes == model.experts.indices.map { ToyEngine.top(model.logits(image, it)) }) { "another route" }
            val wanted = model.answer(image.last(), routes, answer.gates)
            val found =
                answer.outputs
                    .getValue("answer")
                    .values
                    .single()
            check(abs(wanted - found) <= 1e-4f * maxOf(1f, wanted)) { "$found instead of $wanted" }
        }
    }
}

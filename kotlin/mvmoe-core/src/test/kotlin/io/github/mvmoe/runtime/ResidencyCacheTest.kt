package io.github.mvmoe.runtime

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.LoadState
import java.io.Closeable
import java.util.concurrent.CountDownLatch
import java.util.concurrent.FutureTask
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertSame
import kotlin.test.assertTrue

class ResidencyCacheTest {
    private class Thing(
        val name: String,
    ) : Closeable {
        val closed = AtomicInteger()

        override fun close() {
            closed.incrementAndGet()
        }
    }

    private val loads = ArrayList<String>()
    private val things = ArrayList<Thing>()
    private var onLoad: (String) -> Unit = {}
    private val states = ArrayList<Map<String, LoadState>>()
    private val cache: ResidencyCache<Thing> =
        ResidencyCache(
            listOf(Item("a", 1, 10), Item("b", 1, 10), Item("c", 2, 30), Item("d", 2, 10), Item("stem", 0, 99, stays = true)),
            ::load,
            ::remember,
        )

    private fun load(name: String): Thing {
        synchronized(loads) { loads += name }
        onLoad(name)
        return Thing(name).also { synchronized(things) { things += it } }
    }

    private fun remember() {
        synchronized(states) { states += cache.states }
    }

    private fun use(name: String) = cache.acquire(cache.entry(name)).release()

    private fun limit(
        perGroup: Int? = null,
        bytes: Long? = null,
        pinned: Set<String> = emptySet(),
    ) = cache.limit(Limits(perGroup, bytes, pinned))

    /** Waits until a thread is parked, which is where it stays until another one does something. */
    private fun awaitParked(thread: Thread) {
        val last = System.nanoTime() + TimeUnit.SECONDS.toNanos(20)
        while (thread.state != Thread.State.WAITING) {
            check(System.nanoTime() < last) { "it never waits" }
            Thread.sleep(1)
        }
    }

    @AfterTest
    fun `each thing is closed once when all is over`() {
        cache.clear()
        assertTrue(things.all { it.closed.get() == 1 })
        assertEquals(emptyList(), cache.resident)
    }

    @Test
    fun `the least recently used of a full group goes`() {
        limit(perGroup = 1)
        listOf("a", "c", "b").forEach(::use)
        assertEquals(listOf("c", "b"), cache.resident)
    }

    @Test
    fun `what stays takes no part in limits and is not evicted`() {
        limit(perGroup = 1, bytes = 10)
        listOf("stem", "a").forEach(::use)
        cache.trim()
        assertEquals(0, things.first().closed.get())
        assertFalse("stem" in cache.resident)
    }

    @Test
    fun `a new limit evicts at once, groups first and the least recently used first`() {
        listOf("c", "a", "b", "d").forEach(::use)
        limit(perGroup = 1, bytes = 20)
        assertEquals(listOf("b", "d"), cache.resident)
        limit()
        listOf("a", "c").forEach(::use)
        limit(bytes = 40)
        assertEquals(listOf("a", "c"), cache.resident)
    }

    @Test
    fun `a pin that comes later keeps what is there, and one that is taken back lets it go`() {
        use("a")
        limit(perGroup = 1, pinned = setOf("a"))
        use("b")
        assertEquals(listOf("a", "b"), cache.resident)
        limit(perGroup = 1)
        assertEquals(listOf("b"), cache.resident)
    }

    @Test
    fun `trimming leaves pins, and what is used until its user has ended`() {
        limit(pinned = setOf("a"))
        use("a")
        val used = cache.acquire(cache.entry("b"))
        use("c")
        cache.trim()
        assertEquals(listOf("a"), cache.resident)
        assertEquals(0, used.value.closed.get())
        used.release()
        assertEquals(1, used.value.closed.get())
    }

    @Test
    fun `states follow loads, evictions and failures`() {
        use("a")
        limit(bytes = 10)
        onLoad = { throw EngineException(ErrorCode.ENGINE_LOAD_FAILED, "told to fail") }
        assertFailsWith<EngineException> { use("b") }
        val seen = states.map { it.getValue("a") to it.getValue("b") }.distinct()
        assertEquals(
            listOf(
                LoadState.LOADING to LoadState.UNLOADED,
                LoadState.READY to LoadState.UNLOADED,
                LoadState.UNLOADED to LoadState.LOADING,
                LoadState.UNLOADED to LoadState.FAILED,
            ),
            seen.dropWhile { it == LoadState.UNLOADED to LoadState.UNLOADED },
        )
    }

    @Test
    fun `no state is told where something in memory is asked for`() {
        use("a")
        val before = states.size
        repeat(10) { use("a") }
        assertEquals(before, states.size)
    }

    @Test
    fun `an interrupted waiter leaves, and the load goes on for the others`() {
        val go = CountDownLatch(1)
        onLoad = { go.await() }
        val loading = FutureTask { cache.acquire(cache.entry("a")) }
        thread { loading.run() }.also(::awaitParked)
        val impatient = FutureTask { cache.acquire(cache.entry("a")) }
        val thread = thread { impatient.run() }.also(::awaitParked)
        val patient = FutureTask { cache.acquire(cache.entry("a")) }
        thread { patient.run() }.also(::awaitParked)
        thread.interrupt()
        assertFailsWith<InterruptedException> { unwrapped { impatient.get() } }
        go.countDown()
        assertSame(loading.get(), patient.get())
        listOf(loading, patient).forEach { it.get().release() }
        assertEquals(listOf("a"), loads)
    }

    @Test
    fun `a load that ends although its thread was interrupted is kept`() {
        onLoad = { Thread.currentThread().interrupt() }
        use("a")
        assertTrue(Thread.interrupted())
        assertEquals(listOf("a"), cache.resident)
    }

    @Test
    fun `an interrupted thread begins no load, and uses what is in memory`() {
        use("a")
        Thread.currentThread().interrupt()
        use("a")
        assertFailsWith<InterruptedException> { use("b") }
        assertEquals(listOf("a"), loads)
    }

    @Test
    fun `who waited has the item though another evicts it before he wakes`() {
        limit(perGroup = 1)
        val go = CountDownLatch(1)
        onLoad = { if (it == "a") go.await() }
        val loader = thread { use("a") }.also(::awaitParked)
        val waiting = FutureTask { cache.acquire(cache.entry("a")) }
        thread { waiting.run() }.also(::awaitParked)
        go.countDown()
        loader.join()
        use("b")
        val copy = waiting.get()
        assertEquals(0, copy.value.closed.get())
        copy.release()
        assertEquals(1, loads.count { it == "a" })
    }

    @Test
    fun `what closing raises is raised after all is closed, and blocks nobody`() {
        val failing =
            ResidencyCache(listOf(Item("a", 1, 1), Item("b", 1, 1)), { Closeable { error("cannot close $it") } })
        failing.acquire(failing.entry("a")).release()
        failing.limit(Limits(1, null, emptySet()))
        assertFailsWith<IllegalStateException> { failing.acquire(failing.entry("b")) }
        failing.acquire(failing.entry("b")).release()
        assertEquals(listOf("b"), failing.resident)
        assertFailsWith<IllegalStateException> { failing.clear() }
        assertEquals(emptyList(), failing.resident)
    }

    private fun unwrapped(block: () -> Unit) =
        try {
            block()
        } catch (failure: java.util.concurrent.ExecutionException) {
            throw checkNotNull(failure.cause)
        }
}

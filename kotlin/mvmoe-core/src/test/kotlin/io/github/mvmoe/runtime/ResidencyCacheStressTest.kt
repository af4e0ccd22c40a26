package io.github.mvmoe.runtime

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import java.io.Closeable
import java.util.Random
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Many threads ask, trim, set limits and interrupt each other by chance; the seeds are fixed, their interleaving is not. */
class ResidencyCacheStressTest {
    private class Thing : Closeable {
        val users = AtomicInteger()
        val closed = AtomicInteger()

        override fun close() {
            check(users.get() == 0) { "it is closed while it is used" }
            check(closed.incrementAndGet() == 1) { "it is closed twice" }
        }
    }

    private val items = List(12) { Item("g$it", it % 3, 1L + it % 4) }
    private val loading = List(items.size) { AtomicInteger() }
    private val things = ConcurrentLinkedQueue<Thing>()
    private val faults = ConcurrentLinkedQueue<Throwable>()
    private val cache = ResidencyCache(items, ::load)

    private fun load(name: String): Thing {
        val busy = loading[name.drop(1).toInt()]
        check(busy.incrementAndGet() == 1) { "it is loaded twice at once" }
        try {
            val random = (System.nanoTime() / 64 % 16).toInt()
            if (random == 0) throw EngineException(ErrorCode.ENGINE_LOAD_FAILED, "told to fail")
            if (random == 1) Thread.sleep(1)
            return Thing().also { things += it }
        } finally {
            busy.decrementAndGet()
        }
    }

    private fun useOne(random: Random) {
        val copy =
            try {
                cache.acquire(cache.entry(items[random.nextInt(items.size)].name))
            } catch (_: EngineException) {
                return
            } catch (_: InterruptedException) {
                return
            }
        val thing = copy.value
        thing.users.incrementAndGet()
        if (random.nextInt(4) == 0) Thread.yield()
        check(thing.closed.get() == 0) { "it is used after it was closed" }
        thing.users.decrementAndGet()
        copy.release()
    }

    @Test
    fun `invariants hold`() {
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(3)
        val threads = ArrayList<Thread>()
        for (seed in 0L until 6L) {
            threads +=
                thread {
                    val random = Random(seed)
                    runCatching {
                        while (System.nanoTime() < end) {
                            when (random.nextInt(200)) {
                                0 -> cache.trim()
                                1 -> cache.limit(limits(random))
                                2 -> threads.getOrNull(random.nextInt(6))?.interrupt()
                                else -> useOne(random)
                            }
                        }
                    }.onFailure { faults += it }
                }
        }
        threads.forEach { it.join() }
        assertEquals(emptyList(), faults.toList())
        Thread.interrupted()
        cache.limit(Limits(2, 6, emptySet()))
        assertWithin(2, 6)
        cache.clear()
        assertTrue(things.size > 100 && things.all { it.closed.get() == 1 })
    }

    private fun limits(random: Random) =
        Limits(1 + random.nextInt(3), 4L + random.nextInt(8), items.filter { random.nextInt(8) == 0 }.map { it.name }.toSet())

    private fun assertWithin(
        perGroup: Int,
        bytes: Long,
    ) {
        val resident = cache.resident.map { name -> items.first { it.name == name } }
        assertTrue(resident.groupBy { it.group }.values.all { it.size <= perGroup })
        assertTrue(resident.sumOf { it.bytes } <= bytes)
    }
}

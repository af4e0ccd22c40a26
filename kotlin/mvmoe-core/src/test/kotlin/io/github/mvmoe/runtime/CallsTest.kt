package io.github.mvmoe.runtime

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotSame
import kotlin.test.assertSame
import kotlin.test.assertTrue

class CallsTest {
    private val freed = ConcurrentLinkedQueue<List<Any>>()
    private val calls = Calls({ Any() }, { idle -> freed += idle })

    @Test
    fun `one call after the other has the same buffers, and two at once have not`() {
        val first = calls.run { it }
        assertSame(first, calls.run { it })
        calls.run { outer -> calls.run { inner -> assertNotSame(outer, inner) } }
    }

    @Test
    fun `closing waits for the calls of other threads, and each close does`() {
        val inside = CountDownLatch(1)
        val go = CountDownLatch(1)
        val order = ConcurrentLinkedQueue<String>()
        val call =
            thread {
                calls.run {
                    inside.countDown()
                    go.await()
                    order += "call"
                }
            }
        inside.await()
        val closing =
            List(2) {
                thread {
                    calls.close()
                    order += "close"
                }
            }
        for (each in closing) {
            while (each.state != Thread.State.WAITING) Thread.sleep(1)
        }
        assertEquals(ErrorCode.DISPATCHER_CLOSED, assertFailsWith<InputException> { calls.run { } }.code)
        assertTrue(freed.isEmpty())
        go.countDown()
        (closing + call).forEach { it.join() }
        assertEquals(listOf("call", "close", "close"), order.toList())
        assertEquals(1, freed.single().size)
    }

    @Test
    fun `two calls at once that both close wait for neither, and the last one frees`() {
        val begun = CountDownLatch(2)
        val closing =
            List(2) {
                thread {
                    calls.run {
                        begun.countDown()
                        begun.await()
                        calls.close()
                        assertTrue(freed.isEmpty())
                    }
                }
            }
        closing.forEach { it.join(TimeUnit.SECONDS.toMillis(30)) }
        assertTrue(closing.none { it.isAlive })
        assertEquals(1, freed.size)
    }

    @Test
    fun `a call that closes is the one whose end frees`() {
        calls.run {
            calls.close()
            assertTrue(calls.isClosing && freed.isEmpty())
        }
        assertEquals(1, freed.size)
        calls.close()
        assertEquals(1, freed.size)
    }

    @Test
    fun `an interruption does not end closing, and is kept`() {
        val inside = CountDownLatch(1)
        val go = CountDownLatch(1)
        val call =
            thread {
                calls.run {
                    inside.countDown()
                    go.await()
                }
            }
        inside.await()
        val wasKept = AtomicInteger()
        val closing =
            thread {
                Thread.currentThread().interrupt()
                calls.close()
                if (Thread.interrupted()) wasKept.incrementAndGet()
            }
        while (closing.state != Thread.State.WAITING) Thread.sleep(1)
        assertTrue(freed.isEmpty())
        go.countDown()
        listOf(call, closing).forEach { it.join(TimeUnit.SECONDS.toMillis(20)) }
        assertEquals(listOf(1, 1), listOf(freed.size, wasKept.get()))
    }

    @Test
    fun `what freeing raises is raised by each close, and by no call`() {
        val failing = Calls({ Any() }, { error("cannot free") })
        failing.run { failing.close() }
        repeat(2) { assertFailsWith<IllegalStateException> { failing.close() } }
    }

    @Test
    fun `buffers that cannot be made end the call, not the dispatcher`() {
        var fails = true
        val fragile = Calls({ if (fails) error("no memory") else Any() }, { })
        assertFailsWith<IllegalStateException> { fragile.run { } }
        fails = false
        fragile.run { }
        fragile.close()
    }

    @Test
    fun `idle buffers can be taken away`() {
        val first = calls.run { it }
        assertEquals(listOf(first), calls.takeIdle())
        assertNotSame(first, calls.run { it })
    }
}

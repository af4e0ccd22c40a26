package io.github.mvmoe.runtime

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * The life of a dispatcher: its calls in flight, each with buffers of its own, and how it ends.
 *
 * `open -- close() --> closing -- the last call has ended --> closed`
 *
 * [make] makes buffers, which later calls use again. [free] is called once, when no call is in flight and none can begin.
 */
internal class Calls<B : Any>(
    private val make: () -> B,
    private val free: (idle: List<B>) -> Unit,
) {
    private class Call<B>(
        val buffers: B,
    ) {
        var thread: Thread? = null
    }

    private val lock = ReentrantLock()
    private val ended = lock.newCondition()
    private val idle = ArrayDeque<Call<B>>()
    private val running = ArrayList<Call<B>>()

    /** Those who wait in [close]. */
    private val closing = HashSet<Thread>()

    /** Calls that have begun and have no buffers yet. */
    private var beginning = 0
    private var isFreeing = false
    private var isFreed = false
    private var failure: Throwable? = null

    /** Whether no further call may begin. */
    @Volatile
    var isClosing = false
        private set

    /**
     * [work] as one call.
     *
     * @throws InputException after [close] (`dispatcher.closed`), and what [work] throws.
     */
    fun <R> run(work: (B) -> R): R {
        val call = begin()
        try {
            return work(call.buffers)
        } finally {
            end(call)
        }
    }

    /**
     * Lets no further call begin, waits for those of other threads, and frees what all of them use.
     *
     * Where the calling thread itself has a call in flight (something that the call runs has closed the dispatcher), the end
     * of that call frees it. The wait cannot be interrupted: who closes may delete the bundle next.
     */
    fun close() {
        val thread = Thread.currentThread()
        val isInside =
            lock.withLock {
                isClosing = true
                closing += thread
                // Whoever closes from inside of a call may have waited for this one alone.
                ended.signalAll()
                while (hasToWait(thread)) ended.awaitUninterruptibly()
                closing -= thread
                running.isNotEmpty()
            }
        if (isInside) return
        freeOnce()
        lock.withLock {
            while (!isFreed) ended.awaitUninterruptibly()
            failure?.let { throw it }
        }
    }

    /** Whether a thread that closes has a call to wait for: from inside of one it does not wait for those that wait in the same way. */
    private fun hasToWait(thread: Thread): Boolean {
        val isInside = running.any { it.thread === thread }
        return beginning > 0 || running.any { it.thread !== thread && !(isInside && it.thread in closing) }
    }

    /** Takes the buffers that no call uses; the caller closes them. */
    fun takeIdle(): List<B> =
        lock.withLock {
            if (isClosing) emptyList() else idle.map { it.buffers }.also { idle.clear() }
        }

    private fun begin(): Call<B> {
        lock.withLock {
            if (isClosing) throw closed()
            idle.removeLastOrNull()?.let { return it.begun() }
            beginning += 1
        }
        var made: Call<B>? = null
        try {
            made = Call(make())
        } finally {
            lock.withLock {
                beginning -= 1
                made?.begun()
                if (made == null) signalEnd()
            }
        }
        return made
    }

    private fun Call<B>.begun(): Call<B> {
        thread = Thread.currentThread()
        running += this
        return this
    }

    private fun end(call: Call<B>) {
        val isLast =
            lock.withLock {
                call.thread = null
                running -= call
                idle += call
                signalEnd()
                isClosing && running.isEmpty() && beginning == 0
            }
        if (isLast) freeOnce()
    }

    private fun signalEnd() {
        if (isClosing) ended.signalAll()
    }

    /** Frees everything, unless that was done; what it raises is for those who close. */
    private fun freeOnce() {
        val last =
            lock.withLock {
                if (isFreeing || running.isNotEmpty() || beginning > 0) return
                isFreeing = true
                idle.map { it.buffers }.also { idle.clear() }
            }
        val raised = runCatching { free(last) }.exceptionOrNull()
        lock.withLock {
            failure = raised
            isFreed = true
            ended.signalAll()
        }
    }

    private fun closed() = InputException(ErrorCode.DISPATCHER_CLOSED, "the dispatcher is closed; open the bundle again")
}

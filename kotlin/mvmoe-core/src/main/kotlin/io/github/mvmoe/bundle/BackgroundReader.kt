package io.github.mvmoe.bundle

import java.io.Closeable
import java.nio.ByteBuffer
import java.util.concurrent.ArrayBlockingQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit

/**
 * Brings pages of mapped files into memory on a thread of its own, which ends when it has had nothing to do for a while.
 *
 * All of it is advice: the oldest wish is dropped where there are many, and what fails is not said.
 */
internal class BackgroundReader : Closeable {
    private val thread =
        ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            ArrayBlockingQueue(MOST_WISHES),
            ::daemon,
            ThreadPoolExecutor.DiscardOldestPolicy(),
        ).apply { allowCoreThreadTimeOut(true) }

    /** What was read last; without it a compiler might leave the reading out. */
    @Volatile
    private var seen = 0

    fun start(read: () -> Unit) {
        try {
            thread.execute { quietly(read) }
        } catch (_: OutOfMemoryError) {
            // There is no further thread: the pages are read when they are used.
        }
    }

    /** Reads a byte of every page. */
    fun touch(bytes: ByteBuffer) {
        var sum = 0
        for (place in 0 until bytes.limit() step PAGE) sum += bytes.get(place).toInt()
        seen = sum
    }

    override fun close() {
        thread.shutdownNow()
    }

    private fun quietly(read: () -> Unit) {
        try {
            read()
        } catch (_: Throwable) {
            // A file that was cut off after it was mapped is an Error; here it may not end the process.
        }
    }

    private companion object {
        const val IDLE_SECONDS = 10L
        const val MOST_WISHES = 16

        /** The smallest page of any system. */
        const val PAGE = 4096

        fun daemon(work: Runnable): Thread = Thread(work, "mvmoe-weights").apply { isDaemon = true }
    }
}

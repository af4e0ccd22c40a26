package io.github.mvmoe.bench.jobs

import java.util.concurrent.locks.LockSupport

/**
 * Frames that come at a fixed rate; who is late gets the newest one, as from a camera.
 *
 * @property clock gives nanoseconds.
 * @property sleep takes nanoseconds, and may end early.
 */
internal class Camera(
    rate: Double,
    private val clock: () -> Long = System::nanoTime,
    private val sleep: (Long) -> Unit = ::rest,
) {
    private val period = NS_PER_SECOND / rate
    private val begin = clock()

    /** When a frame comes, by the clock. */
    fun comes(frame: Long): Long = begin + Math.round(frame * period)

    /** Nanoseconds since a frame came; negative before it does. */
    fun late(frame: Long): Long = clock() - comes(frame)

    /**
     * Waits for the first frame after another one; of several that came meanwhile it is the last.
     *
     * @param isCancelled ends the wait early.
     */
    fun frameAfter(
        frame: Long,
        isCancelled: () -> Boolean,
    ): Long {
        val wanted = maxOf(frame + 1, newest())
        while (!isCancelled()) {
            val late = late(wanted)
            if (late >= 0) break
            sleep(minOf(-late, LONGEST_REST))
        }
        return wanted
    }

    private fun newest(): Long = Math.floor((clock() - begin) / period).toLong()

    private companion object {
        const val NS_PER_SECOND = 1e9

        /** Whoever cancels waits no longer for the end. */
        const val LONGEST_REST = 100_000_000L

        /** Sleeps more exactly than a thread does, whose pauses Java 8 rounds to milliseconds. */
        fun rest(nanoseconds: Long) {
            LockSupport.parkNanos(nanoseconds)
            if (Thread.interrupted()) throw InterruptedException()
        }
    }
}

package io.github.mvmoe.runtime

import java.io.Closeable
import java.util.concurrent.atomic.AtomicInteger

/**
 * Something that several users have, and that is closed once: when the last of them has let it go.
 *
 * Whoever makes it is its first user. Native memory is owned by these alone; nothing waits for a garbage collector.
 */
internal open class Shared<out T : Closeable>(
    val value: T,
) {
    private val users = AtomicInteger(1)

    /** Counts one user more; false where the last one has let it go already. Neither locks nor allocates. */
    fun tryRetain(): Boolean {
        while (true) {
            val before = users.get()
            if (before == 0) return false
            if (users.compareAndSet(before, before + 1)) return true
        }
    }

    /** Counts more users; only for one who is a user. */
    fun retain(count: Int) {
        check(users.getAndAdd(count) > 0) { "it is closed already" }
    }

    /** One user less; closes it after the last one. */
    fun release() {
        val left = users.decrementAndGet()
        check(left >= 0) { "it was released more often than it was retained" }
        if (left == 0) value.close()
    }
}

package io.github.mvmoe.testing

import com.sun.management.ThreadMXBean
import java.lang.management.ManagementFactory

/** Bytes that this thread allocates in one of [times] calls, once they were compiled or at least have run as often. */
internal inline fun bytesOfOne(
    times: Int = 20_000,
    work: () -> Unit,
): Long {
    val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
    repeat(times) { work() }
    val before = threads.getThreadAllocatedBytes(Thread.currentThread().id)
    repeat(times) { work() }
    return (threads.getThreadAllocatedBytes(Thread.currentThread().id) - before) / times
}

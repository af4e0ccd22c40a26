package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Machine

/** What passed on both clocks, in nanoseconds; [cpu] is what this thread has computed, null where the system does not say. */
internal class Elapsed(
    val wall: Long,
    val cpu: Long?,
)

/**
 * What a call takes that comes right after another one, which is not timed.
 *
 * The first one brings the subject's weights back into the caches that the subject before has filled with its own, as they are
 * in an application that runs one model.
 */
internal inline fun timed(
    machine: Machine,
    call: () -> Unit,
): Elapsed {
    call()
    // The CPU's clock is a call of the system: outside of what the other one times.
    val cpu = machine.threadCpuNs()
    val wall = System.nanoTime()
    call()
    val end = System.nanoTime()
    val cpuEnd = machine.threadCpuNs()
    return Elapsed(end - wall, if (cpu == null || cpuEnd == null) null else cpuEnd - cpu)
}

/** The order of round [number]: over the rounds each item stands equally often at each place. */
internal fun <T> rotated(
    items: List<T>,
    number: Int,
): List<T> {
    val start = if (items.isEmpty()) 0 else Math.floorMod(number, items.size)
    return items.drop(start) + items.take(start)
}

/** Seconds since [start], of the monotonic clock. */
internal fun secondsSince(start: Long): Double = (System.nanoTime() - start) / 1e9

package io.github.mvmoe.bench

/** Where orders are followed: what the platform gives, and whether somebody has had enough. */
internal class Surroundings(
    val machine: Machine,
    val engines: Engines,
    val process: ProcessTimes,
) {
    /** Whether the work is to end before the next answer. */
    @Volatile
    var isCancelled = false
}

package io.github.mvmoe.runner.bench

import ai.onnxruntime.OrtEnvironment
import com.fasterxml.jackson.module.kotlin.readValue
import io.github.mvmoe.runner.Command
import io.github.mvmoe.runner.bench.jobs.JOBS
import java.io.File
import kotlin.concurrent.thread
import kotlin.system.exitProcess

/** Follows one order of `mvmoe bench`: it comes on the standard input, and its lines go to the standard output. */
internal object OrderCommand : Command {
    override val name = "order"
    override val usage = "[--lifeline DESCRIPTOR]"

    override fun run(
        words: List<String>,
        startedNs: Long,
    ) {
        endWithStarter(words)
        val order = PLAIN_DATA.readValue<MeasurementOrder>(System.`in`.readBytes())
        val codeNs = System.nanoTime() - startedNs
        val engineNs = loadEngine()
        // On Linux the planner's time.monotonic_ns() reads the clock that System.nanoTime() reads.
        val session = Session(order, ProcessTimes(startedNs - order.startedNs, engineNs, codeNs), System.out)
        // After Ctrl-C the JVM ends without coming back here: what was measured is written by this.
        Runtime.getRuntime().addShutdownHook(thread(start = false) { session.flush(now = true) })
        checkNotNull(JOBS[order.kind]) { "no job is called ${order.kind}" }.run(session)
        exitProcess(0)
    }
}

/** Brings in the engine's library, as an application's first use of it does; gives the nanoseconds that took. */
private fun loadEngine(): Long {
    val start = System.nanoTime()
    OrtEnvironment.getEnvironment()
    return System.nanoTime() - start
}

/** Ends this process with the one that gave it a lifeline: `--lifeline DESCRIPTOR` of a pipe. */
private fun endWithStarter(words: List<String>) {
    val descriptor = words.getOrNull(words.indexOf("--lifeline") + 1)?.takeIf { "--lifeline" in words } ?: return
    thread(isDaemon = true, name = "lifeline") {
        File("/proc/self/fd/$descriptor").inputStream().use { it.read() }
        Runtime.getRuntime().halt(INTERRUPTED)
    }
}

private const val INTERRUPTED = 130

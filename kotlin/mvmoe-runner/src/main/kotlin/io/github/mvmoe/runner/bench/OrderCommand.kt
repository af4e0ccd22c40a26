package io.github.mvmoe.runner.bench

import ai.onnxruntime.OrtEnvironment
import io.github.mvmoe.bench.MeasurementOrder
import io.github.mvmoe.bench.OrderRun
import io.github.mvmoe.bench.ProcessTimes
import io.github.mvmoe.runner.Command
import java.io.File
import java.io.FileDescriptor
import java.io.FileOutputStream
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
        val order = MeasurementOrder.parse(System.`in`.readBytes())
        val codeNs = System.nanoTime() - startedNs
        // On Linux the planner's time.monotonic_ns() reads the clock that System.nanoTime() reads.
        val times = ProcessTimes(startedNs - order.startedNs, loadEngine(), codeNs)
        // System.out says nothing of a write that failed, and the order would go on for nobody.
        val out = FileOutputStream(FileDescriptor.out)
        val run = OrderRun(order, JvmMachine, JvmEngines, out, times)
        // After Ctrl-C the JVM ends without coming back here: what was measured is written by this.
        Runtime.getRuntime().addShutdownHook(thread(start = false) { run.cancel() })
        run.run()
        exitProcess(0)
    }
}

/** Brings in the engine's library, as an application's first use of it does; gives the nanoseconds that took. */
internal fun loadEngine(): Long {
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

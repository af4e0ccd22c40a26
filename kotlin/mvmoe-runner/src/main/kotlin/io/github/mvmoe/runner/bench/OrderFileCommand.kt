package io.github.mvmoe.runner.bench

import io.github.mvmoe.bench.OrderFolder
import io.github.mvmoe.bench.ProcessTimes
import io.github.mvmoe.runner.Command
import io.github.mvmoe.runner.UsageException
import io.github.mvmoe.runner.Words
import java.io.File
import java.lang.management.ManagementFactory
import kotlin.concurrent.thread
import kotlin.system.exitProcess

/** Follows one order from a file, in a folder, as an app does that nobody holds a pipe to; exit code 1 where it failed. */
internal object OrderFileCommand : Command {
    override val name = "order-file"
    override val usage = "ORDER --folder DIR"

    override fun run(
        words: List<String>,
        startedNs: Long,
    ) {
        val given = Words(words, setOf("folder"))
        val order = given.plain.singleOrNull() ?: throw UsageException("${given.plain.size} paths were given")
        val folder = orderFolder(File(given.text("folder") ?: throw UsageException("no folder was given")))
        val codeNs = System.nanoTime() - startedNs
        Runtime.getRuntime().addShutdownHook(thread(start = false) { folder.cancel() })
        val isDone = folder.follow(File(order), ProcessTimes(startNs(codeNs), loadEngine(), codeNs))
        exitProcess(if (isDone) 0 else FAILED)
    }

    /** From the start of the virtual machine to the first line of this program, of which [codeNs] have passed. */
    private fun startNs(codeNs: Long): Long = maxOf(0, ManagementFactory.getRuntimeMXBean().uptime * NS_PER_MS - codeNs)

    private const val NS_PER_MS = 1_000_000L
    private const val FAILED = 1
}

internal fun orderFolder(folder: File) = OrderFolder(folder, JvmMachine, JvmEngines)

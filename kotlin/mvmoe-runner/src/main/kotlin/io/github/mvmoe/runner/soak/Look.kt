package io.github.mvmoe.runner.soak

import io.github.mvmoe.onnx.OnnxEngine
import java.io.File
import java.lang.management.BufferPoolMXBean
import java.lang.management.ManagementFactory

/** What this process held when it had given so many answers; sizes are bytes. */
internal data class Look(
    val answers: Int,
    val seconds: Double,
    /** Sessions and tensors of ONNX Runtime that the engine has open. */
    val sessions: Int,
    val tensors: Int,
    /** Of the dispatcher's direct buffers, and those of others. */
    val directBuffers: Long,
    val directBytes: Long,
    val mappedBuffers: Long,
    val openFiles: Int,
    val threads: Int,
    /** Of the Java heap, after a collection. */
    val heapBytes: Long,
    /** Anonymous memory of the whole process: the heap as the system gave it, and what native code holds. */
    val anonymousBytes: Long,
    val residentBytes: Long,
) {
    companion object {
        fun take(
            answers: Int,
            seconds: Double,
            engine: OnnxEngine,
        ): Look {
            // Buffers that nothing refers to are freed by what follows the first collection.
            repeat(2) {
                System.gc()
                Thread.sleep(SETTLES_MS)
            }
            val pools = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean::class.java).associateBy { it.name }
            val memory = rollup()
            return Look(
                answers = answers,
                seconds = seconds,
                sessions = engine.sessionCount,
                tensors = engine.tensorCount,
                directBuffers = pools.getValue("direct").count,
                directBytes = pools.getValue("direct").memoryUsed,
                mappedBuffers = pools.getValue("mapped").count,
                openFiles = File("/proc/self/fd").list().orEmpty().size,
                threads = File("/proc/self/task").list().orEmpty().size,
                heapBytes = ManagementFactory.getMemoryMXBean().heapMemoryUsage.used,
                anonymousBytes = memory.getValue("Anonymous"),
                residentBytes = memory.getValue("Rss"),
            )
        }

        /** Bytes by what Linux calls them. */
        private fun rollup(): Map<String, Long> =
            File("/proc/self/smaps_rollup").readLines().mapNotNull(LINE::matchEntire).associate {
                it.groupValues[1] to it.groupValues[2].toLong() * KILOBYTE
            }

        private const val SETTLES_MS = 100L
        private const val KILOBYTE = 1024
        private val LINE = Regex("""(\w+): +(\d+) kB""")
    }
}

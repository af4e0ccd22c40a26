package io.github.mvmoe.runner.bench

import io.github.mvmoe.MvmoeException
import io.github.mvmoe.runner.bench.subjects.Subject
import io.github.mvmoe.runner.bench.subjects.subjectKind
import java.io.File
import java.io.OutputStream
import java.io.RandomAccessFile
import java.nio.MappedByteBuffer
import java.nio.channels.FileChannel

/** How this process came to be, in nanoseconds. */
internal class ProcessTimes(
    val startNs: Long,
    val engineNs: Long,
    val codeNs: Long,
)

/** One order at work: subjects that may fail, and lines that get out whatever happens. */
internal class Session(
    val order: MeasurementOrder,
    val process: ProcessTimes,
    private val out: OutputStream,
) {
    val images: Images = Images.read(File(order.images))
    private val waiting = ArrayList<Line>()
    private var flushed = System.nanoTime()
    private val status: MappedByteBuffer? = order.status?.let(::statusByte)

    /** Keeps a line until the next flush. */
    @Synchronized
    fun emit(line: Line) {
        waiting += line
    }

    /** Writes lines out, if [now] or some time has passed: writing in every round would disturb the next. */
    @Synchronized
    fun flush(now: Boolean = false) {
        if (!now && System.nanoTime() - flushed < FLUSH_AFTER_NS) return
        for (line in waiting) out.write(PLAIN_DATA.writeValueAsBytes(line) + '\n'.code.toByte())
        out.flush()
        waiting.clear()
        flushed = System.nanoTime()
    }

    /** What [work] gives; null if it fails, which is recorded as the subject's failure. */
    fun <T : Any> attempt(
        subject: SubjectOrder,
        work: () -> T?,
    ): T? {
        // Left in a file for the case that an engine ends this process.
        status?.put(0, (order.subjects.indexOf(subject) + 1).toByte())
        return try {
            work()
        } catch (error: Exception) {
            emit(Failure(order.job, subject.key, sentence(error)))
            null
        }
    }

    /** Makes a subject ready. */
    fun open(
        subject: SubjectOrder,
        watch: Stopwatch = Stopwatch(),
    ): Subject = subjectKind(subject.kind).make(subject, images, watch)

    private companion object {
        const val FLUSH_AFTER_NS = 1_000_000_000L

        fun statusByte(path: String): MappedByteBuffer =
            RandomAccessFile(path, "rw").use { it.channel.map(FileChannel.MapMode.READ_WRITE, 0, 1) }

        fun sentence(error: Exception): String {
            if (error is MvmoeException) return error.message.orEmpty()
            val line =
                error.message
                    ?.trim()
                    ?.lineSequence()
                    ?.first()
                    .orEmpty()
            return if (line.isEmpty()) error.javaClass.simpleName else "${error.javaClass.simpleName}: $line"
        }
    }
}

/** Takes the time of the steps of an opening: nanoseconds by name. */
internal class Stopwatch {
    val spent = LinkedHashMap<String, Long>()
    private var last = System.nanoTime()

    /** Counts the time since the last lap as [name]: `parse`, `hash` or `open`. */
    fun lap(name: String) {
        val now = System.nanoTime()
        spent[name] = (spent[name] ?: 0) + now - last
        last = now
    }
}

package io.github.mvmoe.bench

import io.github.mvmoe.MvmoeException
import java.io.Closeable
import java.io.File
import java.io.IOException
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit

/**
 * Follows orders in a folder, from which somebody else fetches what was measured while it grows.
 *
 * | file | |
 * |---|---|
 * | `lines.jsonl` | lines of a results file, appended about once a second |
 * | `state.json` | `{"state", "subject", "message", "code", "beat"}`, replaced in one step unless the storage is full |
 * | `status` | one byte: the number of the subject at work, from 1, which is right even when an engine has ended the process |
 * | `describe.json` | what [describe] was given |
 *
 * `state` is `running`, `done` or `failed`; then `message` says why in a sentence, and `code` is that of the error where it has one:
 * `bench.unreadable` for a file of the order that this process may not read. `subject` is the key of the one at work, up to a second
 * late where subjects answer in turn. `beat` grows every second as long as the process is alive. The last lines are there before
 * `state` is `done` or `failed`.
 *
 * @param folder made if it is not there; one order at a time.
 */
public class OrderFolder(
    private val folder: File,
    private val machine: Machine,
    private val engines: Engines,
) {
    private val state = FolderState(folder)

    @Volatile
    private var run: OrderRun? = null

    @Volatile
    private var isCancelled = false

    /**
     * Writes `describe.json`.
     *
     * @throws IOException if the folder cannot be written to.
     */
    public fun describe(description: DeviceDescription) {
        folder.mkdirs()
        FolderState.replace(File(folder, "describe.json"), description.toJson())
    }

    /**
     * Follows the order in a file, to its end or until [cancel]; whatever goes wrong is in `state.json`.
     *
     * @return whether it came to its end.
     * @throws IOException if the folder cannot be written to.
     */
    @JvmOverloads
    public fun follow(
        orderFile: File,
        times: ProcessTimes = ProcessTimes(),
    ): Boolean {
        folder.mkdirs()
        for ((name, content) in EMPTY) File(folder, name).writeBytes(content)
        state.write(RUNNING, null)
        return try {
            heartbeat().use { measure(orderFile, times) }
            state.write("done", null)
            true
        } catch (error: Exception) {
            fail(error)
            false
        } catch (error: Error) {
            fail(error)
            throw error
        }
    }

    /** Ends the order before its next answer; what was measured is kept, and the order counts as done. Any thread may call it. */
    public fun cancel() {
        isCancelled = true
        run?.cancel()
    }

    private fun measure(
        orderFile: File,
        times: ProcessTimes,
    ) {
        requireReadable(orderFile)
        val order = MeasurementOrder.parse(orderFile.readBytes())
        filesOf(order).forEach(::requireReadable)
        File(folder, LINES).outputStream().use { lines ->
            val following = OrderRun(order, machine, engines, lines, times, StatusByte(File(folder, STATUS)), ::atWork)
            run = following
            if (isCancelled) following.cancel()
            following.run()
        }
    }

    /** Files without which there is nothing to measure. */
    private fun filesOf(order: MeasurementOrder): List<File> =
        listOf(File(order.images)) + order.reference.values.map(::File) + order.subjects.map { File(it.root) }

    private fun heartbeat(): Closeable {
        val timer = Executors.newSingleThreadScheduledExecutor { Thread(it, "mvmoe-bench-heartbeat").apply { isDaemon = true } }
        timer.scheduleWithFixedDelay(::beat, BEAT_MS, BEAT_MS, TimeUnit.MILLISECONDS)
        return Closeable {
            timer.shutdown()
            // A state that it has begun to write comes before the last one.
            timer.awaitTermination(1, TimeUnit.MINUTES)
        }
    }

    private fun beat() {
        try {
            state.write(RUNNING, run?.subject)
        } catch (_: IOException) {
            // The storage may have room again at the next beat, and the order itself fails if it has none.
        }
    }

    private fun atWork(subject: String): Unit = state.write(RUNNING, subject)

    private fun fail(error: Throwable) {
        val code = if (error is UnreadableException) UNREADABLE else (error as? MvmoeException)?.code?.id
        state.write("failed", run?.subject, error, code)
    }

    private class UnreadableException(
        message: String,
    ) : IOException(message)

    private companion object {
        const val BEAT_MS = 1000L
        const val UNREADABLE = "bench.unreadable"
        const val RUNNING = "running"
        const val LINES = "lines.jsonl"
        const val STATUS = "status"

        /** What each order begins with: nothing of the one before it. */
        val EMPTY = mapOf(LINES to ByteArray(0), STATUS to ByteArray(1))

        /** A folder has to be readable with the files that lie in it. */
        fun requireReadable(file: File) {
            val isReadable = if (file.isDirectory) file.listFiles()?.all { it.canRead() } == true else file.canRead()
            if (!isReadable) throw UnreadableException("$file cannot be read by this process; copy it to where it can")
        }
    }
}

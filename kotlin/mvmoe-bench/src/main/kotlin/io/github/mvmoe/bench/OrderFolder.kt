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
 * | `state.json` | `{"state", "subject", "message", "code", "beat"}`, replaced in one step |
 * | `status` | one byte: the number of the subject at work, from 1, which is right even when an engine has ended the process |
 * | `describe.json` | what [describe] was given |
 *
 * `state` is `running`, `done` or `failed`; then `message` says why in a sentence, and `code` is that of the error where it has one:
 * `bench.unreadable` for a file of the order that this process may not read. `beat` grows every second as long as the process is
 * alive. The last lines are there before `state` is `done` or `failed`.
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
     * Follows the order in a file, to its end or until [cancel]; whatever goes wrong is in `state.json`, too.
     *
     * @return whether it came to its end.
     * @throws IOException if the folder cannot be written to.
     */
    public fun follow(
        orderFile: File,
        times: ProcessTimes = ProcessTimes(),
    ): Boolean {
        folder.mkdirs()
        File(folder, "status").writeBytes(byteArrayOf(0))
        state.write("running", null)
        return try {
            heartbeat().use { measure(orderFile, times) }
            state.write("done", null)
            true
        } catch (unreadable: UnreadableException) {
            fail(unreadable, UNREADABLE)
        } catch (error: MvmoeException) {
            fail(error, error.code.id)
        } catch (error: IOException) {
            fail(error, null)
        } catch (error: RuntimeException) {
            fail(error, null)
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
        File(folder, "lines.jsonl").outputStream().use { lines ->
            val following = OrderRun(order, machine, engines, lines, times, StatusByte(File(folder, "status")))
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
        timer.scheduleWithFixedDelay({ state.write("running", run?.subject) }, BEAT_MS, BEAT_MS, TimeUnit.MILLISECONDS)
        return Closeable {
            timer.shutdown()
            // A state that it has begun to write comes before the last one.
            timer.awaitTermination(1, TimeUnit.MINUTES)
        }
    }

    private fun fail(
        error: Throwable,
        code: String?,
    ): Boolean {
        state.write("failed", run?.subject, error, code)
        return false
    }

    private class UnreadableException(
        message: String,
    ) : IOException(message)

    private companion object {
        const val BEAT_MS = 1000L
        const val UNREADABLE = "bench.unreadable"

        fun requireReadable(file: File) {
            val isThere = if (file.isDirectory) file.list() != null else file.canRead()
            if (!isThere) throw UnreadableException("$file cannot be read by this process; copy it to where it can")
        }
    }
}

package io.github.mvmoe.demo.bench

import io.github.mvmoe.MvmoeException
import io.github.mvmoe.bench.DeviceDescription
import io.github.mvmoe.bench.Engines
import io.github.mvmoe.bench.Machine
import io.github.mvmoe.bench.OwnRun
import io.github.mvmoe.bench.OwnRunSettings
import io.github.mvmoe.bench.OwnSubject
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import org.json.JSONObject
import java.io.File
import java.io.IOException
import java.io.OutputStream

/**
 * Measures a bundle, one run at a time, and keeps the results as a file that `mvmoe report` reads.
 *
 * It belongs to the process, not to a screen: a run goes on when the phone is turned, when another tab is shown, and as long as the
 * system lets the process run when the app has left the screen.
 *
 * @param told says in the user's language, for the results file, that the app was not on the screen for so many seconds.
 */
internal class BenchModel(
    private val machine: Machine,
    private val engines: Engines,
    private val device: () -> DeviceDescription,
    private val results: ResultsFolder,
    private val scope: CoroutineScope,
    private val told: (Int) -> String,
    private val background: BackgroundTime = BackgroundTime(),
) {
    private val states = MutableStateFlow(BenchSnapshot(file = results.files().firstOrNull()))
    private var run: OwnRun? = null

    /** The run that goes on, or the last one. */
    val snapshots: StateFlow<BenchSnapshot> = states.asStateFlow()

    /** Begins to measure; nothing happens while a run goes on. Called on the main thread. */
    fun start(
        bundle: File,
        subjects: List<OwnSubject>,
        settings: OwnRunSettings,
    ) {
        if (states.value.isRunning) return
        background.reset()
        states.value = BenchSnapshot(BenchPhase.RUNNING)
        scope.launch(Dispatchers.IO) { measure(bundle, subjects, settings) }
    }

    /** Ends the run before its next answer; what was measured is kept. */
    fun cancel() {
        val now = states.value
        if (now.phase != BenchPhase.RUNNING) return
        states.value = BenchSnapshot(BenchPhase.CANCELLING, now.step, now.subjects, now.file)
        synchronized(this) { run }?.cancel()
    }

    /** The app has left the screen. */
    fun leave(): Unit = background.leave()

    /** The app is on the screen again. */
    fun comeBack(): Unit = background.comeBack()

    private fun measure(
        bundle: File,
        subjects: List<OwnSubject>,
        settings: OwnRunSettings,
    ) {
        var file: File? = null
        lateinit var watch: BenchWatch

        fun show(
            phase: BenchPhase,
            error: String? = null,
        ) {
            states.value = BenchSnapshot(phase, watch.step, watch.subjects(), file, error, background.seconds)
        }
        watch =
            BenchWatch(subjects.map { it.key }) {
                show(if (states.value.phase == BenchPhase.CANCELLING) BenchPhase.CANCELLING else BenchPhase.RUNNING)
            }
        try {
            file = results.newFile()
            val isDone =
                file.outputStream().use { out ->
                    write(OwnRun(bundle, subjects, device(), machine, engines, settings), out, watch)
                }
            show(if (isDone) BenchPhase.DONE else BenchPhase.CANCELLED)
        } catch (error: MvmoeException) {
            file = keepIfMeasured(file)
            show(BenchPhase.FAILED, error.message)
        } catch (error: IOException) {
            file = keepIfMeasured(file)
            show(BenchPhase.FAILED, error.message)
        }
    }

    private fun write(
        made: OwnRun,
        out: OutputStream,
        watch: BenchWatch,
    ): Boolean {
        synchronized(this) { run = made }
        // The user may have cancelled before there was anything to cancel.
        if (states.value.phase == BenchPhase.CANCELLING) made.cancel()
        try {
            return made.run(out, watch)
        } finally {
            background.seconds.takeIf { it > 0 }?.let { out.write(note(told(it)).toByteArray()) }
            synchronized(this) { run = null }
        }
    }

    /** A line of the results file that a report shows before its figures: they are not those of an app that is used. */
    private fun note(sentence: String): String =
        JSONObject()
            .put("kind", "failure")
            .put("job", "background")
            .put("subject", JSONObject.NULL)
            .put("message", sentence)
            .toString() + "\n"

    /** Removes a file without a line. */
    private fun keepIfMeasured(file: File?): File? {
        if (file == null || file.length() > 0) return file
        file.delete()
        return null
    }
}

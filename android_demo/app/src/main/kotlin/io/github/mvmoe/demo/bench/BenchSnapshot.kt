package io.github.mvmoe.demo.bench

import java.io.File

/** How far a run is. */
internal enum class BenchPhase { IDLE, RUNNING, CANCELLING, DONE, CANCELLED, FAILED }

/**
 * What a run does at the moment.
 *
 * @property number of the step, from 1.
 * @property job `answers`, `memory`, `latency` or `sustained`.
 * @property subject who is measured; null for all in turn.
 */
internal class BenchStep(
    val number: Int,
    val steps: Int,
    val job: String,
    val subject: String?,
)

/**
 * All that the screen shows of a run at a moment.
 *
 * @property step null before the first.
 * @property file the results; null before there are any.
 * @property error why the run ended early; null where it did not.
 * @property backgroundSeconds how long the app was not on the screen meanwhile.
 */
internal class BenchSnapshot(
    val phase: BenchPhase = BenchPhase.IDLE,
    val step: BenchStep? = null,
    val subjects: List<SubjectSnapshot> = emptyList(),
    val file: File? = null,
    val error: String? = null,
    val backgroundSeconds: Int = 0,
) {
    val isRunning: Boolean get() = phase == BenchPhase.RUNNING || phase == BenchPhase.CANCELLING
}

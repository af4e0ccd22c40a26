package io.github.mvmoe.demo.screens

import android.view.View
import android.widget.ProgressBar
import android.widget.TextView
import io.github.mvmoe.android.ThermalStatus
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.bench.BenchPhase
import io.github.mvmoe.demo.bench.BenchSnapshot
import io.github.mvmoe.demo.bench.BenchStep

/** Says how far a run is, and how hot the phone. */
internal class BenchRunCard(
    screen: View,
) {
    private val resources = screen.resources
    private val state = screen.findViewById<TextView>(R.id.bench_state)
    private val progress = screen.findViewById<ProgressBar>(R.id.bench_progress)
    private val warning = screen.findViewById<TextView>(R.id.bench_warning)
    private val heat = screen.findViewById<TextView>(R.id.bench_heat)

    fun show(now: BenchSnapshot) {
        state.showSentence(stateOf(now))
        progress.showIf(now.isRunning)
        progress.isIndeterminate = now.step == null
        now.step?.let {
            progress.max = it.steps
            progress.progress = it.number - 1
        }
        warning.showSentence(listOfNotNull(now.error, backgroundOf(now)).joinToString("\n").ifEmpty { null })
    }

    fun showHeat(status: ThermalStatus) {
        heat.text =
            if (status == ThermalStatus.UNKNOWN) {
                resources.getString(R.string.bench_heat_unknown)
            } else {
                resources.getString(R.string.bench_heat, resources.getStringArray(R.array.heat)[status.ordinal])
            }
    }

    private fun stateOf(now: BenchSnapshot): String? =
        when (now.phase) {
            BenchPhase.IDLE, BenchPhase.FAILED -> null
            BenchPhase.RUNNING -> now.step?.let(::stepOf) ?: resources.getString(R.string.bench_opening)
            BenchPhase.CANCELLING -> resources.getString(R.string.bench_cancelling)
            BenchPhase.DONE -> resources.getString(R.string.bench_done, now.file?.name)
            BenchPhase.CANCELLED -> resources.getString(R.string.bench_cancelled, now.file?.name)
        }

    private fun stepOf(step: BenchStep): String {
        val job =
            when (step.job) {
                "answers" -> resources.getString(R.string.bench_job_answers)
                "placement" -> resources.getString(R.string.bench_job_placement)
                "memory" -> resources.getString(R.string.bench_job_memory)
                "latency" -> resources.getString(R.string.bench_job_latency)
                "sustained" -> resources.getString(R.string.bench_job_sustained)
                else -> step.job
            }
        val what = step.subject?.let { resources.getString(R.string.bench_step_of, job, it) } ?: job
        return resources.getString(R.string.bench_step, step.number, step.steps, what)
    }

    private fun backgroundOf(now: BenchSnapshot): String? =
        now.backgroundSeconds.takeIf { it > 0 }?.let { resources.getString(R.string.bench_was_in_background, it) }
}

package io.github.mvmoe.demo.bench

import io.github.mvmoe.bench.BenchEvent
import io.github.mvmoe.bench.BenchListener

/**
 * Puts together what a run says.
 *
 * Events come on the thread that measures, about once a second: what is done with each is little.
 *
 * @param keys of the subjects, in order.
 * @param changed is called after events, at most a few times a second.
 */
internal class BenchWatch(
    keys: List<String>,
    private val changed: () -> Unit,
) : BenchListener {
    private val figures = keys.associateWith(::SubjectFigures)
    private var shownNs = 0L

    @Volatile
    var step: BenchStep? = null
        private set

    @Synchronized
    fun subjects(): List<SubjectSnapshot> = figures.values.map { it.snapshot() }

    override fun onEvent(event: BenchEvent) {
        take(event)
        val now = System.nanoTime()
        val isOneOfMany = event is BenchEvent.Answered
        if (isOneOfMany && now - shownNs < BETWEEN_NS) return
        shownNs = now
        changed()
    }

    @Synchronized
    private fun take(event: BenchEvent) {
        when (event) {
            is BenchEvent.Step -> {
                step = BenchStep(event.number, event.steps, event.job, event.subject)
            }

            is BenchEvent.Checked -> {
                of(event.subject).checked(event.check.toString())
            }

            is BenchEvent.Failed -> {
                of(event.subject).failed(event.message)
            }

            is BenchEvent.Answered -> {
                of(event.subject).answered(event.ns)
            }

            is BenchEvent.MemoryHeld -> {
                of(event.subject).held(event.loaded - event.base, event.peakPss)
            }

            is BenchEvent.SustainedFor -> {
                of(event.subject).sustainedFor(
                    event.atNs,
                    event.medianNs,
                    event.slowestNs,
                    event.thermal?.status,
                    event.thermal?.headroom,
                    event.pss,
                )
            }
        }
    }

    private fun of(subject: String): SubjectFigures = figures.getValue(subject)

    private companion object {
        const val BETWEEN_NS = 500_000_000L
    }
}

package io.github.mvmoe.bench.own

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.Residency
import io.github.mvmoe.bench.BenchEvent
import io.github.mvmoe.bench.BenchListener
import io.github.mvmoe.bench.Failure
import io.github.mvmoe.bench.Line
import io.github.mvmoe.bench.LineWriter
import io.github.mvmoe.bench.MeasurementOrder
import io.github.mvmoe.bench.OwnRunSettings
import io.github.mvmoe.bench.OwnSubject
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bench.Surroundings
import io.github.mvmoe.bench.jobs.jobOf
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.outputs.OutputKinds
import io.github.mvmoe.runtime.DispatcherCore
import java.io.OutputStream

/** The jobs of a run of its own, one after the other. */
internal class OwnSteps(
    private val bundle: Bundle,
    private val inputs: GoldenInputs,
    private val subjects: List<OwnSubject>,
    private val settings: OwnRunSettings,
    private val surroundings: Surroundings,
    out: OutputStream,
    private val listener: BenchListener,
) {
    private val lines = LineWriter(out, ::watch)
    private val preset = settings.preset()
    private val failed = HashSet<String>()
    private var step = 0

    /** Writes the first line, does all jobs, and says whether it came to the end. */
    fun run(first: Line): Boolean {
        try {
            lines.emit(first)
            answers()
            alone("placement") { emptyList() }
            if (settings.memory) alone("memory") { inputs.once() }
            for (repeat in 0 until preset.repeats) latency(repeat)
            if (preset.sustained > 0) alone("sustained") { inputs.once() }
            if (!surroundings.isCancelled) lines.emit(Done(WHOLE_RUN))
        } finally {
            lines.flush(now = true)
        }
        return !surroundings.isCancelled
    }

    /** Every golden image once; subjects that answer otherwise are not worth timing. */
    private fun answers() {
        for (subject in alive()) {
            begin("answers", subject)
            val order = order("answers", 0, listOf(subject), inputs.once())
            val session = session(order)
            session.attempt(order.subjects.single()) { check(subject, order.subjects.single()) }
            lines.flush(now = true)
            if (subject.key !in failed) follow(order)
        }
        end("answers")
        end(JUDGED)
    }

    private fun check(
        subject: OwnSubject,
        order: SubjectOrder,
    ) {
        val target = bundle.target(subject.target)
        val engine = surroundings.engines.engine(target.format, order.threads, order.engineOptions)
        val check = DispatcherCore.open(bundle, target, engine, Residency()).use { it.check() }
        listener.onEvent(BenchEvent.Checked(subject.key, check))
        if (!check.ok) lines.emit(Failure(JUDGED, subject.key, "$check; it was not measured", ErrorCode.CHECK_ENGINE))
    }

    private fun latency(repeat: Int) {
        val asked = alive()
        if (asked.isEmpty() || surroundings.isCancelled) return
        begin("latency", null)
        val job = "latency:$repeat"
        follow(order(job, repeat, asked, inputs.rounds(preset.queries, repeat)))
        end(job)
    }

    /** A job of one subject at a time. */
    private fun alone(
        kind: String,
        queries: () -> List<Query>,
    ) {
        for (subject in alive()) {
            if (surroundings.isCancelled) return
            begin(kind, subject)
            val job = "$kind:${subject.key}:0"
            follow(order(job, 0, listOf(subject), queries()))
            end(job)
        }
    }

    private fun alive() = subjects.filter { it.key !in failed }

    private fun begin(
        job: String,
        subject: OwnSubject?,
    ) {
        val perSubject = 2 + (if (settings.memory) 1 else 0) + (if (preset.sustained > 0) 1 else 0)
        listener.onEvent(BenchEvent.Step(++step, perSubject * subjects.size + preset.repeats, job, subject?.key))
    }

    private fun follow(order: MeasurementOrder) {
        jobOf(order.kind).run(session(order))
        lines.flush(now = true)
    }

    /** A job that was cut short is not done. */
    private fun end(job: String) {
        if (!surroundings.isCancelled) lines.emit(Done(job))
    }

    private fun session(order: MeasurementOrder) = Session(order, inputs.images, surroundings, lines, { inputs.reference }, { _, _ -> })

    private fun order(
        job: String,
        repeat: Int,
        asked: List<OwnSubject>,
        queries: List<Query>,
    ) = MeasurementOrder(
        job = job,
        kind = job.substringBefore(':'),
        repeat = repeat,
        preset = preset,
        images = "",
        names = inputs.names,
        labels = inputs.names.map { null },
        reference = emptyMap(),
        subjects = asked.map { subject(it, queries) },
        status = null,
        startedNs = 0,
    )

    private fun subject(
        subject: OwnSubject,
        queries: List<Query>,
    ) = SubjectOrder(
        key = subject.key,
        kind = OwnSubject.KIND,
        root = bundle.root.path,
        manifestSha256 = bundle.manifestSha256,
        target = subject.target,
        outputKinds = bundle.manifest.outputs.associate { it.name to it.kind },
        classOutput =
            bundle.manifest.outputs
                .firstOrNull { OutputKinds.find(it.kind)?.classifies == true }
                ?.name,
        engineOptions = subject.variant.options,
        threads = settings.threads,
        queries = queries,
    )

    private fun watch(line: Line) {
        if (line is Failure) line.subject?.let(failed::add)
        eventOf(line)?.let(listener::onEvent)
    }

    private companion object {
        const val WHOLE_RUN = "run"
        const val JUDGED = "answers judged"
    }
}

package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Machine
import io.github.mvmoe.bench.Opened
import io.github.mvmoe.bench.Preset
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.Sample
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.Stopwatch
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bench.subjects.Subject
import io.github.mvmoe.bench.subjects.Traced
import io.github.mvmoe.bench.subjects.traced
import io.github.mvmoe.runtime.closeAll

private typealias Ready = LinkedHashMap<SubjectOrder, Subject>

/** Warm answers of all subjects, side by side in one process. */
internal object Latency : Job {
    /**
     * How long each subject answers before the rounds begin: until then the JVM compiles the lines of the dispatcher, which
     * between two graphs would take several times as long.
     */
    private const val COMPILING_SECONDS = 2.0
    private const val COMPILING_ANSWERS = 20_000
    private const val KIND = "sample"

    /** Opens everything, then asks in rounds; each subject once a round, in rotated order. */
    override fun run(session: Session) {
        val opened = ArrayList<Subject>()
        try {
            ask(session, openAll(session, opened))
        } finally {
            closeAll(opened)
        }
    }

    private fun ask(
        session: Session,
        ready: Ready,
    ) {
        for ((subject, opened) in ready.entries.toList()) {
            session.attempt(subject) { compile(session, subject, opened) } ?: ready.remove(subject)
        }
        val thermal = session.machine.thermal()
        // A collection in the middle of an answer would be timed with it.
        System.gc()
        var start: RunStart? = null
        val longest = ready.keys.maxOfOrNull { it.queries.size } ?: 0
        for (number in rounds(session.order.preset, longest)) {
            if (session.isCancelled) break
            // Compiling is a warm-up, too.
            if (number == 0) start = RunStart(System.nanoTime(), session.order.preset.warmup + 1, thermal)
            round(session, ready, number, longest)
            session.flush()
        }
        for (subject in ready.keys) start?.end(session, subject, KIND)
    }

    /** Every subject of the order, opened in an order that differs from repeat to repeat. */
    private fun openAll(
        session: Session,
        toClose: MutableList<Subject>,
    ): Ready {
        val subjects = session.order.subjects
        val opened =
            rotated(subjects, session.order.repeat).associateWith { subject ->
                session.attempt(subject) { open(session, subject, toClose) }
            }
        val ready = Ready()
        // Rounds go by the order's own order, whichever was opened first.
        for (subject in subjects) opened[subject]?.let { ready[subject] = it }
        return ready
    }

    private fun open(
        session: Session,
        subject: SubjectOrder,
        toClose: MutableList<Subject>,
    ): Subject {
        val watch = Stopwatch()
        val opened = session.open(subject, watch).also(toClose::add)
        session.emit(Opened(session.order.job, subject.key, session.order.repeat, opened.actual, watch.spent.values.sum()))
        opened.prewarm()
        return opened
    }

    private fun compile(
        session: Session,
        subject: SubjectOrder,
        opened: Subject,
    ) {
        val start = System.nanoTime()
        for (number in 0 until COMPILING_ANSWERS) {
            if (session.isCancelled || secondsSince(start) > COMPILING_SECONDS) return
            timedAnswer(session.machine, opened, subject.queries[number % subject.queries.size])
        }
    }

    /** Each subject answers once; one that fails is asked no more. */
    private fun round(
        session: Session,
        ready: Ready,
        number: Int,
        longest: Int,
    ) {
        for ((position, entry) in rotated(ready.entries.toList(), number).withIndex()) {
            val (subject, opened) = entry
            val query = subject.queries[Math.floorMod(number, longest) % subject.queries.size]
            val timed = session.attempt(subject, isTimed = true) { timedAnswer(session.machine, opened, query) }
            if (timed == null) {
                ready.remove(subject)
            } else if (number >= 0) {
                session.emit(timed.line(session, subject, query, number, position))
            }
        }
    }

    private class Timed(
        val ns: Long,
        val cpuNs: Long?,
        val traced: Traced?,
    ) {
        fun line(
            session: Session,
            subject: SubjectOrder,
            query: Query,
            number: Int,
            position: Int,
        ) = Sample(
            session.order.job,
            subject.key,
            session.order.repeat,
            number,
            position,
            query.image,
            if (traced == null) query.routes else traced.routes,
            query.forced,
            ns,
            cpuNs,
            traced?.laps,
        )
    }

    /**
     * One answer on the wall and of CPU, and of a subject with parts these, of another call right after.
     *
     * Where a route is imposed, time is the sum of the parts: imposing it is nobody's cost.
     */
    private fun timedAnswer(
        machine: Machine,
        opened: Subject,
        query: Query,
    ): Timed {
        // The first trace tells whether the subject has parts, and is not kept: the second is warm.
        if (query.forced && opened.trace(query) != null) {
            val imposed = opened.traced(query)
            return Timed(imposed.laps.total, null, imposed)
        }
        val spent = timed(machine) { opened.answer(query) }
        return Timed(spent.wall, spent.cpu, opened.trace(query))
    }

    /**
     * Numbers of rounds: those of the warm-up are negative.
     *
     * There are as many as queries, more if they take less than `seconds`, and fewer if they take more than `mostSeconds`; one
     * at least.
     */
    private fun rounds(
        preset: Preset,
        queries: Int,
    ): Sequence<Int> =
        sequence {
            if (queries == 0) return@sequence
            yieldAll(-preset.warmup until 0)
            val start = System.nanoTime()
            var number = 0
            while (number < queries || secondsSince(start) < preset.seconds) {
                if (number > 0 && secondsSince(start) > preset.mostSeconds) return@sequence
                yield(number++)
            }
        }
}

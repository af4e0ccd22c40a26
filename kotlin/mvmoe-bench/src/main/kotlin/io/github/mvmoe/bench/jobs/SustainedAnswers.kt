package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bench.Sustained
import io.github.mvmoe.bench.subjects.Subject

/** Answers without a pause for minutes, as a video asks for: how they become slower while the device becomes hot. */
internal object SustainedAnswers : OneByOne() {
    private const val KIND = "sustained"
    private const val INTERVAL_NS = 5_000_000_000L
    private const val USUAL_SECONDS = 600.0

    override fun measure(
        session: Session,
        subject: SubjectOrder,
    ) {
        session.open(subject).use { opened ->
            opened.prewarm()
            val thermal = session.machine.thermal()
            opened.answer(subject.queries.first())
            val start = RunStart(System.nanoTime(), 1, thermal)
            answerOn(session, subject, opened)
            start.end(session, subject, KIND)
        }
    }

    private fun answerOn(
        session: Session,
        subject: SubjectOrder,
        opened: Subject,
    ) {
        val seconds =
            session.order.preset.sustained
                .takeIf { it > 0 } ?: USUAL_SECONDS
        val start = System.nanoTime()
        val endNs = (seconds * NS_PER_SECOND).toLong()
        val queries = generateSequence { subject.queries }.flatten().iterator()
        val spent = Durations()
        while (!session.isCancelled) {
            val passed = System.nanoTime() - start
            if (passed >= endNs) break
            spent.clear()
            while (System.nanoTime() - start < minOf(passed + INTERVAL_NS, endNs) && !session.isCancelled) {
                spent += nanosecondsOf { opened.answer(queries.next()) }
            }
            if (spent.count > 0) session.emit(line(session, subject, System.nanoTime() - start, spent))
            session.flush()
        }
    }

    private inline fun nanosecondsOf(call: () -> Unit): Long {
        val start = System.nanoTime()
        call()
        return System.nanoTime() - start
    }

    private fun line(
        session: Session,
        subject: SubjectOrder,
        atNs: Long,
        spent: Durations,
    ) = Sustained(
        session.order.job,
        subject.key,
        session.order.repeat,
        atNs,
        spent.count,
        spent.median(),
        spent.slowest(),
        session.machine.thermal(),
        session.machine.pss(),
    )

    private const val NS_PER_SECOND = 1e9
}

/** Nanoseconds of the answers of one interval, in memory that is used again. */
private class Durations {
    private var values = LongArray(FEW)

    var count = 0
        private set

    operator fun plusAssign(ns: Long) {
        if (count == values.size) values = values.copyOf(2 * count)
        values[count++] = ns
    }

    fun clear() {
        count = 0
    }

    fun median(): Long {
        val sorted = values.copyOf(count).apply { sort() }
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }

    fun slowest(): Long = (0 until count).maxOf(values::get)

    private companion object {
        const val FEW = 4096
    }
}

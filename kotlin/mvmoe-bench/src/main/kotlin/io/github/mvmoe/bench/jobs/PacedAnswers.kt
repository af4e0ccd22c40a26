package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Paced
import io.github.mvmoe.bench.Preset
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bench.subjects.Subject
import kotlin.math.ceil

/** Frames that come at a fixed rate, with idle time between: what an app with a camera sees. */
internal object PacedAnswers : OneByOne() {
    private const val KIND = "paced"

    override fun measure(
        session: Session,
        subject: SubjectOrder,
    ) {
        session.open(subject).use { opened ->
            opened.prewarm()
            val thermal = session.machine.thermal()
            opened.answer(subject.queries.first())
            // A collection in the middle of an answer would be timed with it.
            System.gc()
            val preset = session.order.preset
            val camera = Camera(preset.rate)
            var frame = camera.frameAfter(-1) { session.isCancelled }
            while (frame < preset.warmup && !session.isCancelled) {
                answered(session, subject, opened, camera, frame)
                frame = camera.frameAfter(frame) { session.isCancelled }
            }
            val start = RunStart(camera.comes(frame), preset.warmup + 1, thermal)
            answerFrom(session, subject, opened, camera, frame)
            start.end(session, subject, KIND)
        }
    }

    /** Answers this repeat's frames; the last one's idle time is waited for, too. */
    private fun answerFrom(
        session: Session,
        subject: SubjectOrder,
        opened: Subject,
        camera: Camera,
        first: Long,
    ) {
        val end = first + framesOf(session.order.preset)
        var frame = first
        while (frame < end && !session.isCancelled) {
            session.emit(answered(session, subject, opened, camera, frame, first))
            session.flush()
            frame = camera.frameAfter(frame) { session.isCancelled }
        }
    }

    private fun answered(
        session: Session,
        subject: SubjectOrder,
        opened: Subject,
        camera: Camera,
        frame: Long,
        first: Long = 0,
    ): Paced {
        val query = subject.queries[(frame % subject.queries.size).toInt()]
        val late = camera.late(frame)
        opened.answer(query)
        val spent = camera.late(frame) - late
        return Paced(session.order.job, subject.key, session.order.repeat, frame - first, query.image, late, spent)
    }

    /** How many frames come in one repeat. */
    private fun framesOf(preset: Preset): Long = ceil(preset.rate * preset.paced / maxOf(preset.repeats, 1)).toLong()
}

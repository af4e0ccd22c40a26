package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.Stream
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bench.subjects.traced

/** Images one after the other, as an application sees them, with room for so many experts. */
internal object ImageStream : OneByOne() {
    /** The first image is asked twice: it pays for what only the first answer of a process does. */
    override fun measure(
        session: Session,
        subject: SubjectOrder,
    ) {
        session.open(subject).use { opened ->
            opened.prewarm()
            var before = opened.traced(subject.queries.first()).routes
            for ((number, query) in subject.queries.withIndex()) {
                if (session.isCancelled) return
                val traced = opened.traced(query)
                session.emit(
                    Stream(
                        session.order.job,
                        subject.key,
                        session.order.repeat,
                        subject.budget,
                        number,
                        query.image,
                        traced.routes,
                        traced.cold,
                        traced.routes.zip(before) { now, last -> now != last },
                        traced.laps.total,
                        traced.laps,
                    ),
                )
                before = traced.routes
            }
        }
    }
}

package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Load
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.Start
import io.github.mvmoe.bench.Stopwatch
import io.github.mvmoe.bench.SubjectOrder

/** From the start of a process, which has one subject, to its first answer; then each graph's load. */
internal object StartOfProcess : OneByOne() {
    override fun measure(
        session: Session,
        subject: SubjectOrder,
    ) {
        val order = session.order
        val watch = Stopwatch()
        session.open(subject, watch).use { opened ->
            val start = System.nanoTime()
            val query = subject.queries.first()
            val traced = opened.trace(query)
            if (traced == null) opened.answer(query)
            val firstNs = System.nanoTime() - start
            session.emit(
                Start(
                    order.job,
                    subject.key,
                    order.repeat,
                    session.surroundings.process.startNs,
                    session.surroundings.process.engineNs,
                    session.surroundings.process.codeNs,
                    watch.spent["parse"],
                    watch.spent["hash"],
                    watch.spent["open"] ?: 0,
                    traced?.laps?.total ?: firstNs,
                    traced?.laps,
                ),
            )
            for (loaded in opened.loads()) {
                if (session.isCancelled) return
                session.emit(
                    Load(
                        order.job,
                        subject.key,
                        order.repeat,
                        loaded.graph,
                        loaded.stage,
                        loaded.route,
                        loaded.loadNs,
                        loaded.firstNs,
                        loaded.warmNs,
                    ),
                )
            }
        }
    }
}

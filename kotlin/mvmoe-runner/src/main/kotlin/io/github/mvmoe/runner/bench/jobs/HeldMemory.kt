package io.github.mvmoe.runner.bench.jobs

import io.github.mvmoe.runner.bench.Memory
import io.github.mvmoe.runner.bench.Session
import io.github.mvmoe.runner.bench.SubjectOrder
import io.github.mvmoe.runner.bench.machine.OwnMemory
import java.io.File

/** What one subject holds: with nothing opened, with all images answered, with all closed. */
internal object HeldMemory : OneByOne() {
    override fun measure(
        session: Session,
        subject: SubjectOrder,
    ) {
        val memory = OwnMemory(File(subject.root))
        // The first look loads what later ones use again.
        memory.held()
        val base = memory.held()
        val opened = session.open(subject)
        opened.prewarm()
        subject.queries.forEach(opened::answer)
        val loaded = memory.held()
        opened.close()
        session.emit(
            Memory(
                session.order.job,
                subject.key,
                session.order.repeat,
                OwnMemory.KIND,
                subject.budget,
                base,
                loaded,
                memory.peakRss(),
                memory.held(),
            ),
        )
    }
}

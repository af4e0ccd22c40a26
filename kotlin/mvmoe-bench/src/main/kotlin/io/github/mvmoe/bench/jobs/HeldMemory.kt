package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Memory
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder
import java.io.File

/** What one subject holds: with nothing opened, with all images answered, with all closed. */
internal object HeldMemory : OneByOne() {
    override fun measure(
        session: Session,
        subject: SubjectOrder,
    ) {
        val machine = session.machine
        val root = File(subject.root)
        // The first look loads what later ones use again.
        machine.held(root)
        val base = machine.held(root)
        var peakPss: Long? = null
        val loaded =
            session.open(subject).use { opened ->
                opened.prewarm()
                for (query in subject.queries) {
                    opened.answer(query)
                    machine.pss()?.let { peakPss = maxOf(peakPss ?: 0, it) }
                }
                machine.held(root)
            }
        session.emit(
            Memory(
                session.order.job,
                subject.key,
                session.order.repeat,
                machine.memoryKind,
                subject.budget,
                base,
                loaded,
                machine.peakRss(),
                machine.held(root),
                peakPss,
            ),
        )
    }
}

package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Answer
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder

/** What each subject answers to each image, and which route it takes. Nothing is timed. */
internal object Answers : OneByOne() {
    override fun measure(
        session: Session,
        subject: SubjectOrder,
    ) {
        val order = session.order
        val reference = session.reference(subject)
        session.open(subject).use { opened ->
            for (query in subject.queries) {
                if (session.isCancelled) return
                val traced = opened.trace(query)
                val outputs = traced?.outputs ?: opened.answer(query)
                val errors = reference?.errors(outputs, query.image)
                session.emit(
                    Answer(
                        order.job,
                        subject.key,
                        query.image,
                        order.names[query.image],
                        order.labels[query.image],
                        traced?.routes,
                        subject.classOutput?.let { name -> outputs.getValue(name).let { it.indices.maxByOrNull(it::get) } },
                        errors?.absolute,
                        errors?.relative,
                    ),
                )
                session.flush()
            }
        }
    }
}

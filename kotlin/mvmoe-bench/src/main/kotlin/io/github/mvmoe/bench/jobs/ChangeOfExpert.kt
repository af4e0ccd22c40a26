package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Change
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.Routes
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bench.subjects.Subject
import io.github.mvmoe.bench.subjects.traced
import io.github.mvmoe.runtime.closeAll

/**
 * What a change of expert adds to an answer: pairs of answers, of one route and of another.
 *
 * A JVM cannot drop a file from the page cache, so every pair is of files that are in memory.
 */
internal object ChangeOfExpert : Job {
    private class Asked(
        val order: SubjectOrder,
        val subject: Subject,
    ) {
        val taken = HashSet<Routes>()
    }

    override fun run(session: Session) {
        val opened = ArrayList<Subject>()
        try {
            ask(
                session,
                session.order.subjects
                    .mapNotNull { open(session, it, opened) }
                    .toMutableList(),
            )
        } finally {
            closeAll(opened)
        }
    }

    private fun ask(
        session: Session,
        asked: MutableList<Asked>,
    ) {
        System.gc()
        val start = System.nanoTime()
        val preset = session.order.preset
        val routes = asked.maxOfOrNull { it.order.queries.size } ?: 0
        for (number in 0 until routes + preset.queries) {
            if (session.isCancelled || (number > 0 && secondsSince(start) > preset.mostSeconds)) break
            for (each in rotated(asked, number)) {
                session.attempt(each.order, isTimed = true) { turn(session, each, number) } ?: asked.remove(each)
            }
            session.flush()
        }
    }

    /** A subject that has answered its first question twice; null if it fails. */
    private fun open(
        session: Session,
        order: SubjectOrder,
        toClose: MutableList<Subject>,
    ): Asked? =
        session.attempt(order) {
            val opened = session.open(order).also(toClose::add)
            opened.prewarm()
            repeat(2) { opened.traced(order.queries.first()) }
            Asked(order, opened).apply {
                taken +=
                    order.queries
                        .first()
                        .routes
                        .orEmpty()
            }
        }

    /** The route before again, twice, then another one; the first answer settles the caches. */
    private fun turn(
        session: Session,
        asked: Asked,
        number: Int,
    ) {
        val queries = asked.order.queries
        val before = queries[number % queries.size]
        val after = Query(before.image, queries[(number + 1) % queries.size].routes, forced = true)
        val routes = after.routes.orEmpty()
        asked.subject.traced(before)
        val same = asked.subject.traced(before).laps
        val changed = asked.subject.traced(after).laps
        session.emit(
            Change(
                session.order.job,
                asked.order.key,
                session.order.repeat,
                asked.order.budget,
                number,
                before.image,
                before.routes.orEmpty(),
                routes,
                first = routes !in asked.taken,
                dropped = false,
                same = same,
                changed = changed,
                readNs = null,
            ),
        )
        asked.taken += routes
    }
}

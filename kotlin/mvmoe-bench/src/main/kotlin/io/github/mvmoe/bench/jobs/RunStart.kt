package io.github.mvmoe.bench.jobs

import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bench.Thermal
import io.github.mvmoe.bench.TimedRun

/**
 * The moment at which answers begin to count, and how the process was then.
 *
 * @property atNs of `System.nanoTime`.
 * @property warmup answers before that.
 * @property thermal before the first of them: looking takes long enough to disturb an answer.
 */
internal class RunStart(
    private val atNs: Long,
    private val warmup: Int,
    private val thermal: Thermal?,
) {
    /** Tells of a subject whose answers end now; [of] is the kind of their lines. A run that was cancelled is none. */
    fun end(
        session: Session,
        subject: SubjectOrder,
        of: String,
    ) {
        if (session.isCancelled) return
        val spent = System.nanoTime() - atNs
        session.emit(TimedRun(session.order.job, subject.key, session.order.repeat, of, warmup, spent, thermal))
    }
}

package io.github.mvmoe.bench.jobs

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.bench.Session
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.json.quoted

/** What one process does of a measurement; the planner's side of it is `benchmarks/mvmoe_bench/measure/jobs`. */
internal interface Job {
    /** Follows the order of a session. */
    fun run(session: Session)
}

/** A job whose subjects have nothing to do with each other. */
internal abstract class OneByOne : Job {
    /** Whether a subject at which it fails is measured no further. */
    protected open val isDecisive: Boolean = true

    /** Measures one subject; what it throws is the subject's failure. */
    abstract fun measure(
        session: Session,
        subject: SubjectOrder,
    )

    override fun run(session: Session) {
        for (subject in session.order.subjects) {
            if (session.isCancelled) return
            session.attempt(subject, isDecisive = isDecisive) { measure(session, subject) }
            session.flush()
        }
    }
}

/** The jobs by the names that orders have for them. */
internal val JOBS: Map<String, Job> =
    mapOf(
        "answers" to Answers,
        "placement" to Placement,
        "latency" to Latency,
        "change" to ChangeOfExpert,
        "start" to StartOfProcess,
        "memory" to HeldMemory,
        "stream" to ImageStream,
        "paced" to PacedAnswers,
        "sustained" to SustainedAnswers,
    )

/** @throws InputException for a job that this version does not have. */
internal fun jobOf(name: String): Job =
    JOBS[name] ?: throw InputException(
        ErrorCode.INPUT_INVALID,
        "the job ${quoted(name)} was ordered; expected one of ${JOBS.keys.joinToString()}: use one version on both sides",
    )

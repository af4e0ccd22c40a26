package io.github.mvmoe.bench

import io.github.mvmoe.bench.jobs.jobOf
import java.io.File
import java.io.OutputStream

/**
 * Follows one order in this process, and writes the lines of a results file (`docs/results.schema.json`).
 *
 * A subject that fails has a line that says why, and the others go on.
 *
 * Lines go out about once a second; the stream stays open.
 */
public class OrderRun internal constructor(
    private val order: MeasurementOrder,
    machine: Machine,
    engines: Engines,
    out: OutputStream,
    times: ProcessTimes,
    private val status: StatusByte?,
    private val subjectChanged: (String) -> Unit,
) {
    private val lines = LineWriter(out)
    private val surroundings = Surroundings(machine, engines, times)

    /** Follows [order]; the number of the subject at work is kept in the file that the order names for it. */
    @JvmOverloads
    public constructor(
        order: MeasurementOrder,
        machine: Machine,
        engines: Engines,
        out: OutputStream,
        times: ProcessTimes = ProcessTimes(),
    ) : this(order, machine, engines, out, times, order.status?.let { StatusByte(File(it)) }, {})

    /** The key of the subject at work; null before the first. */
    @Volatile
    internal var subject: String? = null
        private set

    /**
     * Follows the order to its end, or until [cancel]. Called once.
     *
     * @throws java.io.IOException if the order's files cannot be read, or the stream takes no more lines.
     * @throws io.github.mvmoe.InputException for a job that this version does not have (`input.invalid`).
     * @throws InterruptedException if the thread is interrupted; what was measured is written.
     */
    @Throws(InterruptedException::class)
    public fun run() {
        try {
            val images = Images.read(File(order.images))
            jobOf(order.kind).run(Session(order, images, surroundings, lines, ::reference, ::atWork))
        } finally {
            lines.flush(now = true)
        }
    }

    /** Ends the run before its next answer, and writes out at once what was measured. Any thread may call it. */
    public fun cancel() {
        surroundings.isCancelled = true
        lines.flush(now = true)
    }

    private fun reference(subject: SubjectOrder): Reference? =
        order.reference[subject.key]?.let { Reference.read(File(it), subject.outputKinds) }

    private fun atWork(
        subject: SubjectOrder,
        isTimed: Boolean,
    ) {
        // Left in a file for the case that an engine ends this process.
        status?.write(order.subjects.indexOf(subject) + 1)
        val isAnother = this.subject != subject.key
        this.subject = subject.key
        if (isAnother && !isTimed) subjectChanged(subject.key)
    }
}

package io.github.mvmoe.bench

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.bench.own.GoldenInputs
import io.github.mvmoe.bench.own.OwnSteps
import io.github.mvmoe.bench.own.RunLine
import io.github.mvmoe.bundle.Bundle
import java.io.File
import java.io.OutputStream

/**
 * A run that a device plans itself, on the golden images of a bundle: it writes a results file that `mvmoe report` reads.
 *
 * Each subject answers the golden images first. One that falls short of the golden vectors is refused with its figures, and one
 * that fails is measured no further; the others go on. Then it is looked what each subject holds, if that is asked for; all of them
 * answer side by side in rounds; and at the end each answers without a pause, if that is asked for.
 *
 * @param bundle the directory of the bundle, whose files are checked.
 * @param subjects what is measured, one at least; their keys differ.
 * @throws InputException for no subjects, or two of one key (`input.invalid`).
 */
public class OwnRun
    @JvmOverloads
    constructor(
        private val bundle: File,
        private val subjects: List<OwnSubject>,
        private val device: DeviceDescription,
        machine: Machine,
        engines: Engines,
        private val settings: OwnRunSettings = OwnRunSettings(),
    ) {
        private val surroundings = Surroundings(WithoutPeak(machine), engines, ProcessTimes())

        init {
            val twice = subjects.groupBy { it.key }.values.find { it.size > 1 }
            if (twice != null) refuse("two subjects of the key ${twice.first().key} were given; give their variants other labels")
            if (subjects.isEmpty()) refuse("no subjects were given; give one at least, such as those of OwnSubject.allOf")
        }

        /**
         * Measures, until everything is done or [cancel] is called. Called once.
         *
         * @param out gets the lines about once a second; it stays open.
         * @return whether it came to its end.
         * @throws io.github.mvmoe.BundleException for a bundle that is missing or damaged, or lacks a subject's target.
         * @throws java.io.IOException if [out] takes no more lines.
         * @throws InterruptedException if the thread is interrupted; what was measured is written.
         */
        @JvmOverloads
        @Throws(InterruptedException::class)
        public fun run(
            out: OutputStream,
            listener: BenchListener = BenchListener {},
        ): Boolean {
            val opened = Bundle.open(bundle.canonicalFile)
            opened.verify(*subjects.map { it.target }.distinct().toTypedArray())
            val inputs = GoldenInputs.of(opened)
            val steps = OwnSteps(opened, inputs, subjects, settings, surroundings, out, listener)
            return steps.run(RunLine(opened, inputs, device, subjects, settings))
        }

        /** Ends the run before its next answer; what was measured is kept. Any thread may call it. */
        public fun cancel() {
            surroundings.isCancelled = true
        }

        private fun refuse(sentence: String): Nothing = throw InputException(ErrorCode.INPUT_INVALID, sentence)
    }

/** The peak of a process that measures several subjects belongs to none of them. */
private class WithoutPeak(
    machine: Machine,
) : Machine by machine {
    override fun peakRss(): Long? = null
}

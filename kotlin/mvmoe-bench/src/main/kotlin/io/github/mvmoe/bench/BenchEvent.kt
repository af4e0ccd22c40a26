package io.github.mvmoe.bench

import io.github.mvmoe.EngineCheck

/** What happens in a run, for somebody who watches it. */
public sealed class BenchEvent {
    /**
     * A step begins.
     *
     * @property number of the step, from 1.
     * @property steps how many there are, until a subject fails.
     * @property job what is measured: `answers`, `memory`, `latency` or `sustained`.
     * @property subject the key of who is measured; null for all in turn.
     */
    public class Step internal constructor(
        public val number: Int,
        public val steps: Int,
        public val job: String,
        public val subject: String?,
    ) : BenchEvent()

    /**
     * A subject has answered the golden images.
     *
     * @property subject its key.
     * @property check its figures; a subject that falls short of them is not measured, and a [Failed] follows.
     */
    public class Checked internal constructor(
        public val subject: String,
        public val check: EngineCheck,
    ) : BenchEvent()

    /**
     * One warm answer.
     *
     * @property subject its key.
     * @property repeat from 0.
     * @property ns nanoseconds on the wall.
     */
    public class Answered internal constructor(
        public val subject: String,
        public val repeat: Int,
        public val ns: Long,
    ) : BenchEvent()

    /**
     * What the process held, in bytes of the machine's kind of memory.
     *
     * @property subject its key.
     * @property base before the subject was opened.
     * @property loaded with all golden images answered.
     * @property released after it was closed.
     * @property peakPss the largest proportional set size after any answer; null where the system does not say.
     */
    public class MemoryHeld internal constructor(
        public val subject: String,
        public val base: Long,
        public val loaded: Long,
        public val released: Long,
        public val peakPss: Long?,
    ) : BenchEvent()

    /**
     * Some seconds of answers without a pause.
     *
     * @property subject its key.
     * @property atNs the end of these seconds, since the subject's first answer.
     * @property answers how many there were.
     * @property medianNs of one answer.
     * @property slowestNs of one answer.
     * @property thermal how hot the device was; null where the system does not say.
     * @property pss the proportional set size in bytes; null where the system does not say.
     */
    public class SustainedFor internal constructor(
        public val subject: String,
        public val atNs: Long,
        public val answers: Int,
        public val medianNs: Long,
        public val slowestNs: Long,
        public val thermal: Thermal?,
        public val pss: Long?,
    ) : BenchEvent()

    /**
     * A subject failed, or answers otherwise than its golden vectors say; it is measured no further.
     *
     * @property subject its key.
     * @property message one sentence, with the figures.
     */
    public class Failed internal constructor(
        public val subject: String,
        public val message: String,
    ) : BenchEvent()
}

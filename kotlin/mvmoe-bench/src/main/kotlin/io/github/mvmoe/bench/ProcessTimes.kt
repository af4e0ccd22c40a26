package io.github.mvmoe.bench

/**
 * How the process came to be, in nanoseconds; 0 for what is not known.
 *
 * @property startNs from the start of the process to the first line of the program.
 * @property engineNs what bringing in the engine's library took.
 * @property codeNs from the program's first line until its order was read.
 */
public class ProcessTimes
    @JvmOverloads
    constructor(
        public val startNs: Long = 0,
        public val engineNs: Long = 0,
        public val codeNs: Long = 0,
    )

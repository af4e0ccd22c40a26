package io.github.mvmoe.runtime

import io.github.mvmoe.Timings

/** A part of one inference. */
internal enum class Part { PREPROCESS, STEM, SELECT, LOAD, EXPERT }

/** Adds up the time of each part of one inference; reading the clock takes some 20 ns. */
internal class Laps {
    private val spent = LongArray(Part.entries.size)
    private var start = 0L
    private var last = 0L

    fun start() {
        spent.fill(0)
        start = System.nanoTime()
        last = start
    }

    /** A part ends now; it began when the part before it ended. */
    fun end(part: Part) {
        val now = System.nanoTime()
        spent[part.ordinal] += now - last
        last = now
    }

    /** The times so far; the total ends now. */
    fun timings(): Timings =
        Timings(
            preprocess = spent[Part.PREPROCESS.ordinal],
            stem = spent[Part.STEM.ordinal],
            select = spent[Part.SELECT.ordinal],
            load = spent[Part.LOAD.ordinal],
            expert = spent[Part.EXPERT.ordinal],
            total = System.nanoTime() - start,
        )
}

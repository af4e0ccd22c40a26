package io.github.mvmoe.runtime

import io.github.mvmoe.Timings

/** A part of one inference; [IMPOSE] is what it takes to impose a route on a router, which only benchmarks do. */
internal enum class Part { PREPROCESS, STEM, SELECT, IMPOSE, LOAD, EXPERT }

/** Where the time of one inference goes, part by part in order; reading the clock takes some 20 ns. */
internal class Laps {
    private var parts = arrayOfNulls<Part>(FEW)
    private var spent = LongArray(FEW)
    private var start = 0L
    private var last = 0L

    /** How many parts have ended. */
    var count = 0
        private set

    fun start() {
        count = 0
        start = System.nanoTime()
        last = start
    }

    /** A part ends now; it began when the part before it ended. */
    fun end(part: Part) {
        val now = System.nanoTime()
        if (count == spent.size) grow()
        parts[count] = part
        spent[count++] = now - last
        last = now
    }

    /** The part that ended as number [index]. */
    fun part(index: Int): Part = checkNotNull(parts[index])

    /** Its nanoseconds. */
    fun nanoseconds(index: Int): Long = spent[index]

    /** The sums so far; the total ends now. */
    fun timings(): Timings {
        val total = System.nanoTime() - start
        val sums = LongArray(Part.entries.size)
        for (index in 0 until count) sums[part(index).ordinal] += spent[index]
        return Timings(
            preprocess = sums[Part.PREPROCESS.ordinal],
            stem = sums[Part.STEM.ordinal],
            select = sums[Part.SELECT.ordinal],
            load = sums[Part.LOAD.ordinal],
            expert = sums[Part.EXPERT.ordinal],
            total = total,
        )
    }

    private fun grow() {
        parts = parts.copyOf(2 * count)
        spent = spent.copyOf(2 * count)
    }

    private companion object {
        /** The parts of a model with five routed stages. */
        const val FEW = 16
    }
}

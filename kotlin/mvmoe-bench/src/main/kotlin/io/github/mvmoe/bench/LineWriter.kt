package io.github.mvmoe.bench

import java.io.OutputStream

/** Keeps lines, and writes them out from time to time: writing in every round would disturb the next. Any thread may flush. */
internal class LineWriter(
    private val out: OutputStream,
    private val written: (Line) -> Unit = {},
) {
    private val waiting = ArrayList<Line>()
    private var flushed = System.nanoTime()

    /** Keeps a line until the next flush. */
    @Synchronized
    fun emit(line: Line) {
        waiting += line
    }

    /** Writes lines out, if [now] or some time has passed. */
    @Synchronized
    fun flush(now: Boolean = false) {
        if (!now && System.nanoTime() - flushed < FLUSH_AFTER_NS) return
        for (line in waiting) out.write((jsonText(line) + '\n').toByteArray())
        out.flush()
        waiting.forEach(written)
        waiting.clear()
        flushed = System.nanoTime()
    }

    private companion object {
        const val FLUSH_AFTER_NS = 1_000_000_000L
    }
}

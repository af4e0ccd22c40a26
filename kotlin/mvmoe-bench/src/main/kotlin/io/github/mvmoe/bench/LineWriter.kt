package io.github.mvmoe.bench

import java.io.IOException
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

    /**
     * Writes lines out, if [now] or some time has passed.
     *
     * @throws IOException if the stream takes no more; how far it came is not known, so that these lines are not written again.
     */
    @Synchronized
    fun flush(now: Boolean = false) {
        if (!now && System.nanoTime() - flushed < FLUSH_AFTER_NS) return
        val lines = waiting.toList()
        waiting.clear()
        flushed = System.nanoTime()
        for (line in lines) out.write((jsonText(line) + '\n').toByteArray())
        out.flush()
        lines.forEach(written)
    }

    private companion object {
        const val FLUSH_AFTER_NS = 1_000_000_000L
    }
}

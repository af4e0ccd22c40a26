package io.github.mvmoe.preprocessing

/** Takes the levels of one line of the input's window: an upright row, or an upright column where the image is transposed. */
internal fun interface LineSink {
    /** @param levels of the line's pixels, channels one after the other; they are overwritten afterwards. */
    fun put(
        line: Int,
        levels: IntArray,
    )
}

/**
 * Resizes the stored rows of an image to the window of the input, upright: along the upright rows first, then the columns.
 *
 * An image is never turned as a whole. Where upright rows are stored columns the first pass goes along the stored columns. Both
 * ways hold no more rows at a time than one sample reads.
 *
 * @param columns the pass along the upright rows, that makes the window's columns.
 * @param rows the pass along the upright columns, that makes its rows.
 */
internal class Resampler(
    private val source: PixelRows,
    columns: PassTable,
    rows: PassTable,
    private val orientation: Orientation,
    storedWidth: Int,
    storedHeight: Int,
) {
    private val alongStoredRows =
        (if (orientation.isTransposed) rows else columns).let {
            if (orientation.reversesColumns) it.reversed(storedWidth) else it
        }
    private val alongStoredColumns =
        (if (orientation.isTransposed) columns else rows).let {
            if (orientation.reversesRows) it.reversed(storedHeight) else it
        }
    private val channels = source.channels

    /** The pixels of a stored row that are read. */
    private val from = alongStoredRows.from
    private val read = channels * (alongStoredRows.until - from)
    private val made = channels * alongStoredRows.size

    /** Gives the lines of the window, one after the other. */
    fun run(sink: LineSink) {
        if (orientation.isTransposed) columnsFirst(sink) else rowsFirst(sink)
    }

    private fun rowsFirst(sink: LineSink) {
        val cache = RowCache(alongStoredColumns.longest, made, alongStoredRows.picks?.let(::picked) ?: passed())
        val line = IntArray(made)
        for (index in 0 until alongStoredColumns.size) {
            Passes.alongColumns(cache, alongStoredColumns, index, made, line)
            sink.put(index, line)
        }
    }

    /** Makes a row of the pixels at some places. */
    private fun picked(places: IntArray) = { row: Int, levels: IntArray -> source.pick(row, places, levels) }

    /** Makes a row by a pass along all that it reads. */
    private fun passed(): (Int, IntArray) -> Unit {
        val stored = IntArray(read)
        return { row, levels ->
            source.read(row, from, alongStoredRows.until, stored)
            Passes.alongRow(stored, from, alongStoredRows, channels, levels)
        }
    }

    private fun columnsFirst(sink: LineSink) {
        val cache = RowCache(alongStoredColumns.longest, read) { row, levels -> source.read(row, from, alongStoredRows.until, levels) }
        val between = IntArray(read)
        val line = IntArray(made)
        for (index in 0 until alongStoredColumns.size) {
            Passes.alongColumns(cache, alongStoredColumns, index, read, between)
            Passes.alongRow(between, from, alongStoredRows, channels, line)
            sink.put(index, line)
        }
    }
}

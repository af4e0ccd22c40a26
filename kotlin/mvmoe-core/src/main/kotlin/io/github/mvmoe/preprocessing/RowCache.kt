package io.github.mvmoe.preprocessing

/**
 * The last rows of levels that a pass along the columns reads, so that each is made once.
 *
 * A pass reads windows of at most [rows] rows that lie one after the other, and move in one direction.
 */
internal class RowCache(
    rows: Int,
    size: Int,
    private val make: (row: Int, levels: IntArray) -> Unit,
) {
    private val levels = Array(rows) { IntArray(size) }
    private val held = IntArray(rows) { NONE }

    /** The levels of a row; they stay until [rows] others were asked for. */
    operator fun get(row: Int): IntArray {
        val place = row % held.size
        if (held[place] != row) {
            make(row, levels[place])
            held[place] = row
        }
        return levels[place]
    }

    private companion object {
        const val NONE = -1
    }
}

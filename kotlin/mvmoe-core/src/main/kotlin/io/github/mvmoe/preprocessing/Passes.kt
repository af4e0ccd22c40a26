package io.github.mvmoe.preprocessing

/** The sums that passes of a resize consist of; levels are 0 to 255, one number each. */
internal object Passes {
    private const val HALF = 1 shl (PassTable.BITS - 1)

    /**
     * A pass along one row: [table] makes its samples of the pixels of [row], whose first one is number [first] of the table's.
     *
     * @param channels 1, or 3 that lie one after the other in each pixel.
     */
    fun alongRow(
        row: IntArray,
        first: Int,
        table: PassTable,
        channels: Int,
        made: IntArray,
    ) {
        if (channels == 1) alongGrey(row, first, table, made) else alongColour(row, first, table, made)
    }

    /** A pass along the columns: sample [index] of [table] for every place of the rows. */
    fun alongColumns(
        rows: RowCache,
        table: PassTable,
        index: Int,
        size: Int,
        made: IntArray,
    ) {
        java.util.Arrays.fill(made, 0, size, HALF)
        val weights = table.weights
        val place = table.place(index)
        for (tap in 0 until table.count(index)) {
            val weight = weights[place + tap]
            val levels = rows[table.start(index) + tap]
            for (each in 0 until size) made[each] += weight * levels[each]
        }
        for (each in 0 until size) made[each] = cut(made[each])
    }

    private fun alongGrey(
        row: IntArray,
        first: Int,
        table: PassTable,
        made: IntArray,
    ) {
        val weights = table.weights
        for (index in 0 until table.size) {
            var sum = HALF
            var level = table.start(index) - first
            for (place in table.place(index) until table.place(index + 1)) sum += weights[place] * row[level++]
            made[index] = cut(sum)
        }
    }

    private fun alongColour(
        row: IntArray,
        first: Int,
        table: PassTable,
        made: IntArray,
    ) {
        val weights = table.weights
        for (index in 0 until table.size) {
            var red = HALF
            var green = HALF
            var blue = HALF
            var level = 3 * (table.start(index) - first)
            for (place in table.place(index) until table.place(index + 1)) {
                val weight = weights[place]
                red += weight * row[level]
                green += weight * row[level + 1]
                blue += weight * row[level + 2]
                level += 3
            }
            made[3 * index] = cut(red)
            made[3 * index + 1] = cut(green)
            made[3 * index + 2] = cut(blue)
        }
    }

    private fun cut(sum: Int): Int {
        val level = sum shr PassTable.BITS
        return if (level < 0) {
            0
        } else if (level > 255) {
            255
        } else {
            level
        }
    }
}

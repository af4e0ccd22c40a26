package io.github.mvmoe.preprocessing

/** The tables of the sizes that were seen last: a camera's frames have one size. May be used by several threads. */
internal class PassTables(
    interpolation: String,
) {
    private data class Key(
        val samples: Int,
        val made: Int,
        val window: IntRange,
    )

    private val kernel = Kernel.find(interpolation)
    private val known =
        object : LinkedHashMap<Key, PassTable>(MOST, 1f, true) {
            override fun removeEldestEntry(eldest: Map.Entry<Key, PassTable>): Boolean = size > MOST
        }

    /** That of a pass from [samples] to [made], the ones in [window]. */
    fun of(
        samples: Int,
        made: Int,
        window: IntRange,
    ): PassTable {
        val key = Key(samples, made, window)
        synchronized(known) { known[key] }?.let { return it }
        val table = PassTable.of(samples, made, window, kernel)
        synchronized(known) { if (table.weights.size <= LARGE) known[key] = table }
        return table
    }

    private companion object {
        const val MOST = 8

        /** Weights of a table that is not kept: 4 MB of them. */
        const val LARGE = 1 shl 20
    }
}

package io.github.mvmoe.runner.soak

/** Judges what a process held over a soak; the last look is after everything was closed. */
internal object Leaks {
    /**
     * How much more memory is no leak.
     *
     * Until the middle of a soak the JVM still compiles, and malloc's arenas grow; after it both stay within a few megabytes. One
     * session of the smallest bundle that is not freed takes half a megabyte: 32 of them would be found.
     */
    const val TOLERATED_BYTES = 16L shl 20

    fun of(looks: List<Look>): List<String> {
        val open = looks.dropLast(1)
        return grown(open[(open.size - 1) / 2], open.last()) + left(looks.last())
    }

    private fun grown(
        warm: Look,
        last: Look,
    ): List<String> {
        val found = ArrayList<String>()

        fun compare(
            what: String,
            tolerated: Long,
            count: (Look) -> Number,
        ) {
            val (before, after) = count(warm).toLong() to count(last).toLong()
            if (after > before + tolerated) found += "$what: $before after ${warm.answers} answers, $after after ${last.answers}"
        }
        compare("sessions", 0, Look::sessions)
        compare("tensors", 0, Look::tensors)
        compare("direct buffers", 0, Look::directBuffers)
        compare("bytes of direct buffers", 0, Look::directBytes)
        compare("mapped buffers", 0, Look::mappedBuffers)
        compare("open files", 0, Look::openFiles)
        compare("threads", 0, Look::threads)
        compare("bytes of the heap", TOLERATED_BYTES, Look::heapBytes)
        compare("bytes of anonymous memory", TOLERATED_BYTES, Look::anonymousBytes)
        return found
    }

    private fun left(closed: Look): List<String> =
        listOf("sessions" to closed.sessions, "tensors" to closed.tensors).filter { it.second != 0 }.map { (what, count) ->
            "$what: $count after closing"
        }
}

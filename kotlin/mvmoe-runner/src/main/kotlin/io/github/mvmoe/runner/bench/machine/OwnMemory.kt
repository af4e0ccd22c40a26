package io.github.mvmoe.runner.bench.machine

import io.github.mvmoe.bench.Held
import java.io.File

/**
 * What Linux says of this process's memory: anonymous memory, and the pages of the subject's own files that it maps.
 *
 * Pages of other files, such as shared libraries and the JVM's archive of classes, are left out: other processes map them too. A page that
 * is mapped twice is counted twice, which the engine of this program does not do. The heap is collected before each look.
 */
internal class OwnMemory(
    root: File,
) {
    private val root = root.canonicalPath + File.separator

    /** At this moment. */
    fun held(): Held {
        System.gc()
        var anonymous = 0L
        var files = 0L
        var isOwn = false
        File("/proc/self/smaps").forEachLine { line ->
            val value = FIELD.matchEntire(line)
            if (value == null) {
                isOwn = line.contains(root)
            } else {
                val bytes = value.groupValues[2].toLong() * KILOBYTE
                when (value.groupValues[1]) {
                    "Rss" -> {
                        if (isOwn) files += bytes
                    }

                    "Anonymous" -> {
                        anonymous += bytes
                        if (isOwn) files -= bytes // Written copies of a file's pages are in its resident set, too.
                    }

                    "Swap", "Private_Hugetlb", "Shared_Hugetlb" -> {
                        anonymous += bytes
                    }

                    "LazyFree" -> {
                        anonymous -= bytes
                    }
                }
            }
        }
        return Held(anonymous + files, anonymous, files)
    }

    companion object {
        /** How results call this kind of memory. */
        const val KIND = "own"
        private const val KILOBYTE = 1024
        private val FIELD = Regex("""(\w+): +(\d+) kB""")

        /** The largest resident set that this process ever had, shared libraries included. */
        fun peakRss(): Long? = bytes("/proc/self/status", "VmHWM:")

        /** What this process holds, with its share of what other processes hold too. */
        fun pss(): Long? = bytes("/proc/self/smaps_rollup", "Pss:")

        private fun bytes(
            file: String,
            line: String,
        ): Long? =
            File(file)
                .readLines()
                .firstOrNull { it.startsWith(line) }
                ?.let { found -> found.filter(Char::isDigit).toLong() * KILOBYTE }
    }
}

package io.github.mvmoe.demo.bench

import java.io.File
import java.io.IOException
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone

/** The results files of this app's own runs: the only files that it shares. */
internal class ResultsFolder(
    private val folder: File,
) {
    /** All of them, the newest first. */
    fun files(): List<File> =
        folder
            .listFiles()
            .orEmpty()
            .mapNotNull { find(it.name) }
            .sortedByDescending { it.name }

    /** A file that is not there yet, named after the time: `mvmoe-20261127-174501.jsonl`. */
    fun newFile(now: Date = Date()): File {
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("$folder cannot be made; free some storage")
        val time = SimpleDateFormat("yyyyMMdd-HHmmss", Locale.ROOT).apply { timeZone = TimeZone.getTimeZone("UTC") }.format(now)
        return generateSequence(0) { it + 1 }
            .map { File(folder, if (it == 0) "mvmoe-$time.jsonl" else "mvmoe-$time-$it.jsonl") }
            .first { !it.exists() }
    }

    /**
     * The results file of that name, or null where there is none.
     *
     * The name may come from another app: it is one file's, in this folder and not elsewhere by a link.
     */
    fun find(name: String): File? {
        if (!NAME.matches(name)) return null
        val file = File(folder, name)
        return file.takeIf { it.isFile && it.canonicalFile == File(folder.canonicalFile, name) }
    }

    private companion object {
        val NAME = Regex("""[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.jsonl""")
    }
}

package io.github.mvmoe.bench

import java.io.File
import java.io.IOException

/**
 * What a folder's `state.json` says; it is replaced in one step, so that whoever reads it sees one state or the next.
 *
 * A full storage has no room for two of them: then the file is written over, since the end of the work has to be told.
 */
internal class FolderState(
    private val folder: File,
) {
    private var beat = 0L

    /** Says how far the work is: [state] is `running`, `done` or `failed`. */
    @Synchronized
    fun write(
        state: String,
        subject: String?,
        failure: Throwable? = null,
        code: String? = null,
    ) {
        val fields =
            linkedMapOf(
                "state" to state,
                "subject" to subject,
                "message" to failure?.let(::sentence),
                "code" to code,
                "beat" to beat++,
            )
        put(File(folder, NAME), jsonText(fields))
    }

    private fun put(
        file: File,
        text: String,
    ) {
        try {
            replace(file, text)
        } catch (_: IOException) {
            file.writeText(text)
        }
    }

    companion object {
        private const val NAME = "state.json"

        /** Writes a file anew in one step. */
        fun replace(
            file: File,
            text: String,
        ) {
            val partial = File(file.path + ".part")
            partial.writeText(text)
            if (!partial.renameTo(file)) throw IOException("$file cannot be replaced; give a folder that this process may write to")
        }
    }
}

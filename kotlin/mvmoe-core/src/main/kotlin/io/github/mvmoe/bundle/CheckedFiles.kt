package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.BundleReplacedException
import java.io.Closeable
import java.io.File
import java.io.RandomAccessFile
import java.util.concurrent.ConcurrentHashMap

/**
 * The files of one target as they were when the bundle was opened, and whether they still are.
 *
 * A folder that is renamed or written anew, a file that is replaced or written to: each would mix graphs of two models without
 * an error. What the system says of a file is compared before and after each load; where it differs, the file is read again,
 * and only the content in the manifest is accepted.
 */
internal class CheckedFiles private constructor(
    private val root: File,
    private val read: (File, FileRecord) -> CheckedFile,
) : Closeable {
    private val identities = ConcurrentHashMap<String, FileIdentity>()
    private var kept: RandomAccessFile? = null

    /**
     * Raises unless each of these files is still the one that was checked, or has its content.
     *
     * @throws BundleReplacedException
     */
    fun require(files: List<FileRecord>) {
        for (file in files) {
            val known = identities[file.path]
            // The same file is there, whichever way its path goes now: one question is enough.
            if (known != null && FileIdentity.of(File(root, file.path)) == known) continue
            checkAgain(file)
        }
    }

    /** Hands over the open file that [verify] was asked to keep; null where there was none, or it was taken. */
    @Synchronized
    fun takeKept(): RandomAccessFile? = kept.also { kept = null }

    override fun close() {
        takeKept()?.close()
    }

    private fun checkAgain(file: FileRecord) {
        try {
            val again = read(root, file)
            again.opened.close()
            remember(file, again)
        } catch (_: BundleException) {
            throw replaced(file)
        }
    }

    /** A file whose identity the system does not say is read again each time. */
    private fun remember(
        file: FileRecord,
        found: CheckedFile,
    ) {
        if (found.identity == null) identities.remove(file.path) else identities[file.path] = found.identity
    }

    private fun replaced(file: FileRecord) =
        BundleReplacedException(
            "${file.path} of bundle $root was replaced, changed or removed while the bundle was open, so that its graphs no longer " +
                "belong together; open the bundle again",
            mapOf("file" to file.path),
        )

    companion object {
        /**
         * Checks all files against the manifest; each is read once.
         *
         * The file at the path [keep] stays open: what is read from it later is what was checked. Its owner is this object,
         * until [takeKept].
         *
         * @param read what opens and checks a file.
         * @throws BundleException that names the first wrong file.
         */
        fun verify(
            root: File,
            files: List<FileRecord>,
            keep: String? = null,
            read: (File, FileRecord) -> CheckedFile = CheckedFile::open,
        ): CheckedFiles {
            val checked = CheckedFiles(root, read)
            try {
                for (file in files) {
                    val found = read(root, file)
                    checked.remember(file, found)
                    if (file.path == keep) checked.kept = found.opened else found.opened.close()
                }
            } catch (error: Throwable) {
                checked.close()
                throw error
            }
            return checked
        }
    }
}

package io.github.mvmoe.android

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.FileRecord
import java.io.File
import java.io.IOException
import java.io.RandomAccessFile
import java.security.MessageDigest

/**
 * One bundle's way into its place: `<place>/<SHA-256 of its manifest>`.
 *
 * It is copied to a folder beside, which is renamed when it is whole.
 */
internal class Installation(
    private val source: BundleSource,
    private val place: File,
) {
    fun run(): File {
        val manifest = source.open(MANIFEST)?.use { it.readAtMost(MOST_MANIFEST_BYTES) } ?: throw missing()
        val installed = File(place, sha256(manifest))
        createFolder(place)
        locked {
            if (!isWhole(installed)) replace(manifest, installed)
            place
                .listFiles()
                .orEmpty()
                .filter { it != installed && it.name != LOCK }
                .forEach(File::deleteRecursively)
        }
        return installed
    }

    /** Whether all files are there; a file that a killed process, or a user, has cut off is copied again. */
    private fun isWhole(installed: File): Boolean =
        try {
            val bundle = Bundle.open(installed)
            present(bundle).all { File(installed, it.path).length() == it.bytes }
        } catch (damaged: BundleException) {
            false
        }

    private fun replace(
        manifest: ByteArray,
        installed: File,
    ) {
        val part = File(place, PART)
        part.deleteRecursively()
        try {
            copy(manifest, part)
            installed.deleteRecursively()
            if (!part.renameTo(installed)) throw IOException("$part cannot be renamed")
        } finally {
            part.deleteRecursively()
        }
    }

    private fun copy(
        manifest: ByteArray,
        part: File,
    ) {
        createFolder(part)
        write(File(part, MANIFEST)) { it.write(manifest) }
        // Its paths are checked here, before one of them is used.
        val bundle = Bundle.open(part)
        val records = records(bundle)
        requireSpace(records)
        for (record in records) copy(record, part)
        bundle.verify(*(bundle.manifest.targets.keys - bundle.removedTargets().keys).toTypedArray())
    }

    /** A file that the source does not have is not copied: an application may ship one target of several. */
    private fun copy(
        record: FileRecord,
        part: File,
    ) {
        if (Thread.interrupted()) throw InterruptedException()
        val stream = source.open(record.path) ?: return
        stream.use { from ->
            val file = File(part, record.path).also { createFolder(it.parentFile!!) }
            write(file) { into -> from.copyAtMost(record.bytes + 1, into) }
        }
    }

    /** Every file of the bundle once. */
    private fun records(bundle: Bundle): List<FileRecord> =
        (
            bundle.manifest.targets.values
                .flatMap { it.files } + bundle.manifest.golden.file
        ).distinctBy { it.path }

    private fun present(bundle: Bundle): List<FileRecord> {
        val removed = bundle.removedTargets().keys
        val targets = bundle.manifest.targets.filterKeys { it !in removed }
        return targets.values.flatMap { it.files } + bundle.manifest.golden.file
    }

    private fun requireSpace(records: List<FileRecord>) {
        val needed = records.sumOf { it.bytes }
        // 0 is said where the system does not know.
        if (place.usableSpace in 1 until needed) throw storageFull(source, needed, place.usableSpace)
    }

    private fun <T> locked(block: () -> T): T =
        synchronized(Installation::class.java) {
            // A lock of a file is between processes; threads of one would be refused it.
            RandomAccessFile(File(place, LOCK), "rw").use { file -> file.channel.lock().use { block() } }
        }

    private fun missing() =
        BundleException(
            ErrorCode.BUNDLE_MISSING,
            "$source has no $MANIFEST; give a folder that mvmoe export has written",
            mapOf("bundle" to source.toString()),
        )

    private companion object {
        const val MANIFEST = "manifest.json"
        const val LOCK = ".lock"
        const val PART = ".part"

        /** More than is read of a manifest; a larger one is refused when the copy is opened. */
        const val MOST_MANIFEST_BYTES = 64L shl 20
    }
}

internal fun storageFull(
    source: BundleSource,
    needed: Long? = null,
    free: Long? = null,
    cause: IOException? = null,
): ResourceLimitException {
    val sizes = if (needed == null) "" else ": it needs $needed bytes, and $free are free"
    return ResourceLimitException(
        ErrorCode.LIMIT_REACHED,
        "the storage is too full for $source$sizes; free some, or export fewer targets",
        mapOf("needed" to needed, "free" to free),
        cause,
    )
}

private fun sha256(bytes: ByteArray) = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

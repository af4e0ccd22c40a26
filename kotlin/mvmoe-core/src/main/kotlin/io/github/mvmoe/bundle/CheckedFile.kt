package io.github.mvmoe.bundle

import io.github.mvmoe.BundleReplacedException
import io.github.mvmoe.ErrorCode
import java.io.File
import java.io.RandomAccessFile
import java.security.MessageDigest

/** A file whose size and SHA-256 are those of the manifest: [opened] has this content, wherever its path may lead by now. */
internal class CheckedFile(
    val opened: RandomAccessFile,
    val identity: FileIdentity?,
) {
    companion object {
        private const val CHUNK = 1 shl 20

        /**
         * Opens a listed file of the bundle at [root], and reads all of it to check it; the caller closes it.
         *
         * @throws io.github.mvmoe.BundleException with the code of what is wrong with it.
         */
        fun open(
            root: File,
            record: FileRecord,
        ): CheckedFile {
            val file = PlainFiles.find(root, record.path)
            val before = FileIdentity.of(file)
            val opened = readingFile(root, record.path) { RandomAccessFile(file, "r") }
            try {
                readingFile(root, record.path) { requireContent(opened, root, record) }
                if (FileIdentity.of(file) != before) throw changed(root, record)
            } catch (error: Throwable) {
                opened.close()
                throw error
            }
            return CheckedFile(opened, before)
        }

        private fun requireContent(
            opened: RandomAccessFile,
            root: File,
            record: FileRecord,
        ) {
            val size = opened.length()
            if (size != record.bytes) throw wrongSize(root, record, size)
            if (sha256(opened, record.bytes) != record.sha256) throw altered(root, record)
        }

        /** Of the first bytes: a file that grows meanwhile is not read to its end. */
        private fun sha256(
            opened: RandomAccessFile,
            bytes: Long,
        ): String {
            val digest = MessageDigest.getInstance("SHA-256")
            val chunk = ByteArray(minOf(bytes, CHUNK.toLong()).toInt())
            var left = bytes
            while (left > 0) {
                val count = opened.read(chunk, 0, minOf(left, chunk.size.toLong()).toInt())
                if (count < 0) break
                digest.update(chunk, 0, count)
                left -= count
            }
            return hexadecimal(digest.digest())
        }

        private fun wrongSize(
            root: File,
            record: FileRecord,
            size: Long,
        ) = wrongFile(
            ErrorCode.BUNDLE_SIZE_MISMATCH,
            record.path,
            "${record.path} of bundle $root has $size bytes instead of ${record.bytes}",
            "expected" to record.bytes,
            "found" to size,
        )

        private fun altered(
            root: File,
            record: FileRecord,
        ) = wrongFile(
            ErrorCode.BUNDLE_HASH_MISMATCH,
            record.path,
            "${record.path} of bundle $root was altered: its SHA-256 is not the manifest's",
        )

        private fun changed(
            root: File,
            record: FileRecord,
        ) = BundleReplacedException(
            "${record.path} of bundle $root changed while it was read; open the bundle again",
            mapOf("file" to record.path),
        )
    }
}

/** Bytes as lower-case digits. */
internal fun hexadecimal(bytes: ByteArray): String = bytes.joinToString("") { (it.toInt() and 0xff).toString(16).padStart(2, '0') }

package io.github.mvmoe.android

import android.system.ErrnoException
import android.system.OsConstants
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream

private const val BUFFER = 1 shl 16

/** Writes a file, which is on the storage, not in the system's memory only, when this returns. */
internal fun write(
    file: File,
    block: (OutputStream) -> Unit,
): Unit =
    FileOutputStream(file).use { stream ->
        block(stream)
        stream.fd.sync()
    }

internal fun createFolder(folder: File) {
    // Another thread, or process, may make it at the same moment.
    if (!folder.mkdirs() && !folder.isDirectory) throw IOException("$folder cannot be made")
}

/** The first bytes, as many as that at the most. */
internal fun InputStream.readAtMost(most: Long): ByteArray = ByteArrayOutputStream().also { copyAtMost(most, it) }.toByteArray()

/** Copies the first bytes, as many as that at the most: nobody has said that a stream ends. */
internal fun InputStream.copyAtMost(
    most: Long,
    into: OutputStream,
) {
    val buffer = ByteArray(BUFFER)
    var left = most
    while (left > 0) {
        val count = read(buffer, 0, minOf(left, BUFFER.toLong()).toInt())
        if (count < 0) return
        into.write(buffer, 0, count)
        left -= count
    }
}

/** Whether it, or what caused it, says that no space, or none of the application's share, is left. */
internal fun isStorageFull(failure: IOException): Boolean =
    generateSequence<Throwable>(failure) { it.cause }.take(MOST_CAUSES).any {
        it is ErrnoException && it.errno in intArrayOf(OsConstants.ENOSPC, OsConstants.EDQUOT)
    }

private const val MOST_CAUSES = 10

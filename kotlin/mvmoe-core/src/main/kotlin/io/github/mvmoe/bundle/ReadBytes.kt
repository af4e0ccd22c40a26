package io.github.mvmoe.bundle

import java.io.RandomAccessFile
import java.nio.ByteBuffer

/** Pieces of a file that its file system cannot map: each is read when it is asked for. It owns the open file. */
internal class ReadBytes(
    private val opened: RandomAccessFile,
) : StoredBytes {
    // Not by a channel, which closes itself when the thread that reads is interrupted.
    @Synchronized
    override fun at(
        offset: Long,
        bytes: Int,
    ): ByteBuffer {
        val buffer = ByteBuffer.allocateDirect(bytes)
        val chunk = ByteArray(minOf(bytes, CHUNK))
        opened.seek(offset)
        while (buffer.hasRemaining()) {
            val count = minOf(buffer.remaining(), chunk.size)
            opened.readFully(chunk, 0, count)
            buffer.put(chunk, 0, count)
        }
        buffer.rewind()
        return buffer
    }

    override fun close(): Unit = opened.close()

    private companion object {
        const val CHUNK = 1 shl 18
    }
}

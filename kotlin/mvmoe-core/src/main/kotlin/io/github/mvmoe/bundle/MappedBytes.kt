package io.github.mvmoe.bundle

import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.util.TreeMap

/**
 * Pieces of a mapped file. The system brings pages in when they are used, and may drop them again.
 *
 * Java unmaps when no buffer is left, so what an engine still reads stays; the file itself need not stay open.
 */
internal class MappedBytes private constructor(
    private val windows: TreeMap<Long, ByteBuffer>,
) : StoredBytes {
    override fun at(
        offset: Long,
        bytes: Int,
    ): ByteBuffer {
        val (start, window) = checkNotNull(windows.floorEntry(offset))
        val piece = window.duplicate()
        val place = (offset - start).toInt()
        piece.limit(place + bytes)
        piece.position(place)
        return piece.slice()
    }

    override fun close(): Unit = windows.clear()

    companion object {
        /** A buffer of Java holds 2 GiB; smaller windows also find room where address space is scarce. */
        private const val MOST_BYTES = 1L shl 28

        /**
         * Maps the tensors of a file, in as few windows as hold each of them in one piece.
         *
         * @throws java.io.IOException where the file system cannot map, or there is no room for it.
         */
        fun map(
            channel: FileChannel,
            tensors: Collection<StoredTensor>,
        ): MappedBytes {
            val windows = TreeMap<Long, ByteBuffer>()
            for ((start, end) in windowsOf(tensors)) windows[start] = channel.map(FileChannel.MapMode.READ_ONLY, start, end - start)
            return MappedBytes(windows)
        }

        /** Where each window begins and ends. A tensor lies in the last window that does not begin behind it. */
        private fun windowsOf(tensors: Collection<StoredTensor>): List<Pair<Long, Long>> {
            val windows = ArrayList<Pair<Long, Long>>()
            for (tensor in tensors.sortedWith(compareBy({ it.offset }, { it.end }))) {
                val (start, end) = windows.lastOrNull() ?: (tensor.offset to tensor.offset)
                when {
                    windows.isNotEmpty() && tensor.end <= end -> continue
                    windows.isNotEmpty() && tensor.end - start <= MOST_BYTES -> windows[windows.lastIndex] = start to tensor.end
                    else -> windows.add(tensor.offset to tensor.end)
                }
            }
            return windows
        }

        private val StoredTensor.end: Long get() = offset + bytesOf(shape, dtype)
    }
}

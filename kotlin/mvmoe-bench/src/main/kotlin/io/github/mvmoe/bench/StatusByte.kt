package io.github.mvmoe.bench

import java.io.File
import java.io.RandomAccessFile
import java.nio.MappedByteBuffer
import java.nio.channels.FileChannel

/** A file of one byte, which stays what it is when the process ends: the number of the subject at work, from 1. */
internal class StatusByte(
    file: File,
) {
    private val mapped: MappedByteBuffer = RandomAccessFile(file, "rw").use { it.channel.map(FileChannel.MapMode.READ_WRITE, 0, 1) }

    fun write(number: Int) {
        mapped.put(0, number.toByte())
    }
}

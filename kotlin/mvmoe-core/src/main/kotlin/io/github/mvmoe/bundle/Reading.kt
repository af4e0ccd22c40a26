package io.github.mvmoe.bundle

import java.io.InputStream

/** The first [most] bytes of a stream, which should have [expected]. */
internal fun readAtMost(
    stream: InputStream,
    most: Int,
    expected: Long,
): ByteArray {
    var bytes = ByteArray(minOf(maxOf(expected + 1, 1), most.toLong()).toInt())
    var size = 0
    while (true) {
        val count = stream.read(bytes, size, bytes.size - size)
        if (count < 0) return bytes.copyOf(size)
        size += count
        if (size == most) return bytes
        if (size == bytes.size) bytes = bytes.copyOf(minOf(2L * size, most.toLong()).toInt())
    }
}

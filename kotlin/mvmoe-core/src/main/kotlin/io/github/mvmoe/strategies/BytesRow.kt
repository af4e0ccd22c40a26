package io.github.mvmoe.strategies

import io.github.mvmoe.engine.Tensor
import java.nio.ByteBuffer

/** The memory of one image in an input, of any type. */
internal class BytesRow(
    tensor: Tensor,
    position: Int,
) {
    private val size = tensor.data.limit() / tensor.shape[0]
    private val bytes: ByteBuffer = tensor.data.duplicate()
    private val first = position * size

    /** Writes 0 everywhere. */
    fun clear() {
        bytes.clear()
        bytes.position(first)
        var left = size
        while (left > 0) {
            val count = minOf(left, ZEROS.size)
            bytes.put(ZEROS, 0, count)
            left -= count
        }
    }

    private companion object {
        val ZEROS = ByteArray(4096)
    }
}

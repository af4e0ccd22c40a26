package io.github.mvmoe.bundle

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A tensor of a safetensors file that a test writes. */
internal class Written(
    val name: String,
    val dtype: String,
    val shape: List<Int>,
    val bytes: ByteArray,
) {
    companion object {
        fun floats(
            name: String,
            shape: List<Int>,
            value: (Int) -> Float,
        ): Written {
            val buffer = ByteBuffer.allocate(4 * elementsOf(shape).toInt()).order(ByteOrder.LITTLE_ENDIAN)
            repeat(buffer.capacity() / 4) { buffer.putFloat(value(it)) }
            return Written(name, "F32", shape, buffer.array())
        }
    }
}

/** A file of tensors one behind the other; [change] may spoil what its header says. */
internal fun safetensors(
    tensors: List<Written>,
    change: (Plain) -> Unit = {},
): ByteArray {
    val header = LinkedHashMap<String, Any?>()
    var end = 0
    for (tensor in tensors) {
        val offsets = listOf(end, end + tensor.bytes.size)
        header[tensor.name] = linkedMapOf<String, Any?>("dtype" to tensor.dtype, "shape" to tensor.shape, "data_offsets" to offsets)
        end = offsets[1]
    }
    change(header)
    return withHeader(jsonText(header).toByteArray(), tensors.map { it.bytes })
}

internal fun withHeader(
    header: ByteArray,
    contents: List<ByteArray>,
    length: Long = header.size.toLong(),
): ByteArray {
    val file = ByteArrayOutputStream()
    file.write(
        ByteBuffer
            .allocate(8)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(length)
            .array(),
    )
    file.write(header)
    contents.forEach(file::write)
    return file.toByteArray()
}

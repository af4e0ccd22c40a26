package org.pytorch.executorch

import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer

/** As ExecuTorch's, over memory that is not its own; the stand-in computes with fp32 alone. */
class Tensor(
    private val memory: Buffer,
    private val shape: LongArray,
    private val type: DType,
) {
    val data: FloatBuffer get() = memory as FloatBuffer

    val bytes: ByteBuffer get() = memory as ByteBuffer

    fun dtype(): DType = type

    fun shape(): LongArray = shape.copyOf()

    fun numel(): Long = shape.fold(1L, Long::times)

    fun getDataAsFloatArray(): FloatArray {
        check(type == DType.FLOAT) { "Tensor of type $type cannot return data as float array." }
        data.rewind()
        return FloatArray(data.remaining()).also { data.get(it) }
    }

    fun getDataAsIntArray(): IntArray = error("Tensor of type $type cannot return data as int array.")

    fun getDataAsLongArray(): LongArray = error("Tensor of type $type cannot return data as long array.")

    companion object {
        @JvmStatic
        fun fromBlob(
            data: ByteBuffer,
            shape: LongArray,
        ): Tensor {
            requireWhole(data, data.isDirect, shape)
            return Tensor(data, shape.copyOf(), DType.INT8)
        }

        @JvmStatic
        fun fromBlob(
            data: FloatBuffer,
            shape: LongArray,
        ): Tensor {
            require(data.order() == ByteOrder.nativeOrder()) { "Data buffer must have native byte order" }
            requireWhole(data, data.isDirect, shape)
            return Tensor(data, shape.copyOf(), DType.FLOAT)
        }

        @JvmStatic
        fun fromBlob(
            data: IntBuffer,
            shape: LongArray,
        ): Tensor = throw UnsupportedOperationException("int32 $data ${shape.size}")

        @JvmStatic
        fun fromBlob(
            data: LongBuffer,
            shape: LongArray,
        ): Tensor = throw UnsupportedOperationException("int64 $data ${shape.size}")

        private fun requireWhole(
            data: Buffer,
            isDirect: Boolean,
            shape: LongArray,
        ) {
            require(isDirect) { "Data buffer must be direct" }
            require(data.capacity().toLong() == shape.fold(1L, Long::times)) { "inconsistent data capacity ${data.capacity()} and shape" }
        }
    }
}

package io.github.mvmoe.engine

import io.github.mvmoe.bundle.DType
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/**
 * Numbers in memory that an engine can read and write where they are.
 *
 * @property dtype the type of the numbers.
 * @property shape its sizes; the numbers are in C order.
 * @property data a direct buffer in the native order of bytes. It is all of the tensor, from its position 0 to its limit; read and
 * write it by absolute places only, because several threads may hold it.
 */
public class Tensor(
    public val dtype: DType,
    public val shape: List<Int>,
    public val data: ByteBuffer,
) {
    /** The same memory as fp32; asked of a `FLOAT32` tensor only. */
    public val floats: FloatBuffer = data.duplicate().order(ByteOrder.nativeOrder()).asFloatBuffer()

    public companion object {
        /** A tensor of its own memory, filled with zeros. */
        @JvmStatic
        public fun allocate(
            dtype: DType,
            shape: List<Int>,
        ): Tensor {
            val bytes = shape.fold(dtype.bytes) { product, size -> Math.multiplyExact(product, size) }
            return Tensor(dtype, shape, ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder()))
        }
    }
}

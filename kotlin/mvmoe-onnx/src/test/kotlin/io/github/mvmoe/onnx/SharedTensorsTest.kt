package io.github.mvmoe.onnx

import ai.onnxruntime.OnnxJavaType
import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import java.io.File
import java.io.RandomAccessFile
import java.nio.ByteOrder
import java.nio.channels.FileChannel
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotSame
import kotlin.test.assertSame
import kotlin.test.assertTrue

class SharedTensorsTest {
    @TempDir
    lateinit var folder: File
    private val live = LiveObjects()
    private val tensors = SharedTensors(Environment.get(), live)

    @ParameterizedTest
    @CsvSource("FLOAT32, FLOAT", "FLOAT16, FLOAT16", "INT64, INT64", "INT32, INT32", "INT8, INT8")
    fun `a tensor of each type lies where its memory is`(
        dtype: DType,
        type: OnnxJavaType,
    ) {
        val tensor = Tensor.allocate(dtype, listOf(2, 3))
        tensor.data.position(1) // Another thread reads it.
        val made = tensors.acquire(tensor)
        assertEquals(type, made.info.type)
        assertContentEquals(longArrayOf(2, 3), made.info.shape)
        assertFalse(made.ownsBuffer())
        tensor.data.put(0, 7) // After it was made.
        assertEquals(7, made.byteBuffer.get(0))
        tensors.release(tensor)
        assertTrue(made.isClosed)
    }

    @Test
    fun `memory that is mapped to be read alone is taken as it is`() {
        val file = File(folder, "weights.bin").apply { writeBytes(ByteArray(64) { it.toByte() }) }
        RandomAccessFile(file, "r").use { opened ->
            val mapped = opened.channel.map(FileChannel.MapMode.READ_ONLY, 0, 64)
            mapped.position(16).limit(32)
            val tensor = Tensor(DType.FLOAT32, listOf(4), mapped.slice().order(ByteOrder.nativeOrder()))
            val made = tensors.acquire(tensor)
            assertFalse(made.ownsBuffer())
            assertEquals(16, made.byteBuffer.get(0))
            tensors.release(tensor)
        }
    }

    @Test
    fun `the last user of a tensor closes it, and it is made again when it is asked for again`() {
        val tensor = Tensor.allocate(DType.FLOAT32, listOf(1))
        val first = tensors.acquire(tensor)
        assertSame(first, tensors.acquire(tensor))
        assertNotSame(first, tensors.acquire(Tensor.allocate(DType.FLOAT32, listOf(1))))
        assertEquals(2, live.tensors.get())
        tensors.release(tensor)
        assertFalse(first.isClosed)
        tensors.release(tensor)
        assertTrue(first.isClosed)
        assertEquals(1, live.tensors.get())
        assertNotSame(first, tensors.acquire(tensor))
    }
}

package io.github.mvmoe.bench

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

/** The planner's images, as NumPy writes them. */
class ImagesTest {
    @TempDir
    private lateinit var folder: File

    @Test
    fun `each image has its own numbers`() {
        val images = Images.read(npy("'<f4'", listOf(3, 1, 2, 2), FloatArray(12) { it.toFloat() }))
        assertEquals(3, images.count)
        assertEquals(listOf(1, 2, 2), images.shape)
        assertEquals(listOf(4f, 5f, 6f, 7f), List(4) { images[1].get(it) })
        assertEquals(4, images[2].capacity())
    }

    @Test
    fun `numbers of another type are refused`() {
        val error = assertFailsWith<IOException> { Images.read(npy("'<f8'", listOf(1, 1, 1, 1), FloatArray(2))) }
        assertEquals(true, error.message?.contains("expected images of float32"), error.message)
    }

    private fun npy(
        type: String,
        shape: List<Int>,
        numbers: FloatArray,
    ): File {
        val header = "{'descr': $type, 'fortran_order': False, 'shape': (${shape.joinToString()}), }\n".toByteArray()
        val bytes = ByteBuffer.allocate(10 + header.size + 4 * numbers.size).order(ByteOrder.LITTLE_ENDIAN)
        bytes.put(byteArrayOf(0x93.toByte())).put("NUMPY".toByteArray()).put(byteArrayOf(1, 0))
        bytes.putShort(header.size.toShort()).put(header)
        numbers.forEach(bytes::putFloat)
        return File(folder, "images.npy").apply { writeBytes(bytes.array()) }
    }
}

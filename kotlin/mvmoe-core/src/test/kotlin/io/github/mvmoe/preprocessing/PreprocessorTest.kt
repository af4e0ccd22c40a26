package io.github.mvmoe.preprocessing

import com.sun.management.ThreadMXBean
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import io.github.mvmoe.bundle.ChannelOrder
import io.github.mvmoe.bundle.InputSpec
import org.junit.jupiter.api.Test
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** What the cases of the suite do not ask: buffers as programs hold them, very large images, several threads. */
class PreprocessorTest {
    private val bytes = PreprocessingSuite.madeBytes(seed = 3, run = 1, length = 3 * 20 * 10)

    @Test
    fun `a buffer is read from place 0, whatever it is and wherever its position is`() {
        val wanted = levels(PixelBuffer.rgb(bytes, 20, 10))
        val direct = ByteBuffer.allocateDirect(bytes.size).put(bytes)
        val readOnly = ByteBuffer.wrap(bytes).asReadOnlyBuffer()
        val slice = ByteBuffer.wrap(ByteArray(7) + bytes + ByteArray(9), 7, bytes.size).slice()
        for (buffer in listOf(direct, readOnly, slice)) {
            val position = buffer.position()
            assertContentEquals(wanted, levels(PixelBuffer(PixelFormat.RGB, 20, 10, listOf(Plane(buffer, 60, 3)))))
            assertEquals(position, buffer.position(), "the caller's position was moved")
        }
    }

    @Test
    fun `bytes beyond the limit are not read`() {
        val short = ByteBuffer.wrap(bytes).apply { limit(bytes.size - 1) }
        val error = assertFailsWith<ImageException> { levels(PixelBuffer(PixelFormat.RGB, 20, 10, listOf(Plane(short, 60, 3)))) }
        assertEquals(ErrorCode.IMAGE_BUFFER_TOO_SHORT, error.code)
        assertEquals(mapOf("plane" to "pixel", "expected" to 600L, "found" to 599), error.fields)
    }

    @Test
    fun `packed ints are read as the same colours as bytes`() {
        val ints = IntArray(200) { (0x7F shl 24) or (byte(3 * it) shl 16) or (byte(3 * it + 1) shl 8) or byte(3 * it + 2) }
        assertContentEquals(levels(PixelBuffer.rgb(bytes, 20, 10)), levels(PixelBuffer.argb(ints, 20, 10)))
    }

    @Test
    fun `a size that its bytes do not have is refused, not an overflow`() {
        for ((width, height) in listOf(Int.MAX_VALUE to 2, 2 to Int.MAX_VALUE, 40_000 to 60_000)) {
            val error = assertFailsWith<ImageException> { levels(PixelBuffer.rgb(bytes, width, height)) }
            assertTrue(error.code in setOf(ErrorCode.IMAGE_BUFFER_TOO_SHORT, ErrorCode.IMAGE_BUFFER_STRIDE), "${error.code}")
        }
    }

    @Test
    fun `planes of chroma may share bytes`() {
        val luma = ByteBuffer.wrap(bytes, 0, 200).slice()
        val pairs = ByteBuffer.wrap(bytes, 200, 100).slice()
        val shared = ByteBuffer.wrap(bytes, 201, 99).slice()
        val nv12 = camera(PixelFormat.NV12, listOf(Plane(luma, 20, 1), Plane(pairs, 20, 2)))
        val yuv = camera(PixelFormat.YUV420, listOf(Plane(luma, 20, 1), Plane(pairs, 20, 2), Plane(shared, 20, 2)))
        assertContentEquals(levels(nv12), levels(yuv))
    }

    @Test
    fun `a picture of 100 megapixels takes a few rows of memory`() {
        val picture = PixelBuffer(PixelFormat.L, 10_000, 10_000, listOf(Plane(ByteBuffer.allocateDirect(100_000_000), 10_000, 1)))
        val levels = ByteArray(3 * 224 * 224)
        val allocated = allocatedBy { Preprocessor(input(224, 224)).levels(picture, levels) }
        // The whole picture as levels would take 400 MB; rows that are read at a time, tables and results take less than 40.
        assertTrue(allocated < 40_000_000, "$allocated bytes")
        assertTrue(levels.all { it == 0.toByte() })
    }

    @Test
    fun `images that are too long and narrow are refused`() {
        val line = PixelBuffer.grey(ByteArray(600_000), 1, 600_000)
        val error = assertFailsWith<ImageException> { Preprocessor(input(224, 224)).levels(line, ByteArray(3 * 224 * 224)) }
        assertEquals(ErrorCode.IMAGE_TOO_LARGE, error.code)
        assertFailsWith<ImageException> {
            Preprocessor(
                input(224, 224, crop = 1e-300),
            ).levels(PixelBuffer.rgb(bytes, 20, 10), ByteArray(150528))
        }
    }

    @Test
    fun `several threads get what one does`() {
        val preprocessor = Preprocessor(input(31, 17))
        val sizes = (8..40).toList()
        val alone = sizes.associateWith { levels(square(it), Preprocessor(input(31, 17)), 31 * 17 * 3) }
        val pool = Executors.newFixedThreadPool(4)
        try {
            val asked =
                sizes.flatMap { size ->
                    List(8) { pool.submit(Callable { size to levels(square(size), preprocessor, 31 * 17 * 3) }) }
                }
            for ((size, found) in asked.map { it.get() }) assertContentEquals(alone[size], found)
        } finally {
            pool.shutdown()
        }
    }

    private fun square(size: Int) = PixelBuffer.rgb(PreprocessingSuite.madeBytes(size, 1, 3 * size * size), size, size)

    private fun camera(
        format: PixelFormat,
        planes: List<Plane>,
    ) = PixelBuffer(format, 20, 10, planes, 6, YuvMatrix.BT709, ValueRange.VIDEO)

    private fun byte(index: Int): Int = bytes[index].toInt() and 0xFF

    private fun levels(
        buffer: PixelBuffer,
        preprocessor: Preprocessor = Preprocessor(input(9, 7)),
        size: Int = 3 * 9 * 7,
    ) = ByteArray(size).also { preprocessor.levels(buffer, it) }

    /** All that this thread has allocated on the heap meanwhile, garbage included. */
    private fun allocatedBy(work: () -> Unit): Long {
        val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
        val before = threads.currentThreadAllocatedBytes
        work()
        return threads.currentThreadAllocatedBytes - before
    }

    private fun input(
        width: Int,
        height: Int,
        crop: Double = 1.0,
    ) = InputSpec(
        height = height,
        width = width,
        channelOrder = ChannelOrder.RGB,
        resize = "timm",
        cropFraction = crop,
        resizeSize = null,
        padLevel = null,
        padPlace = null,
        padRounding = null,
        interpolation = "bicubic",
        mean = listOf(0.485, 0.456, 0.406),
        std = listOf(0.229, 0.224, 0.225),
    )
}

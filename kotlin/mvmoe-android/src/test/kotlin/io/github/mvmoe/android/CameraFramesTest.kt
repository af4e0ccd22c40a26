package io.github.mvmoe.android

import android.graphics.ImageFormat
import android.graphics.PixelFormat
import android.hardware.DataSpace
import android.media.Image
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import io.github.mvmoe.preprocessing.Plane
import io.github.mvmoe.preprocessing.ValueRange
import io.github.mvmoe.preprocessing.YuvMatrix
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.nio.ByteBuffer
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertSame

/** A frame as a camera's `ImageReader` gives it: chroma of two planes in one memory, the second a byte later. */
private class Frame(
    private val format: Int = ImageFormat.YUV_420_888,
    private val space: Int = DataSpace.DATASPACE_UNKNOWN,
) : Image() {
    private val luma: ByteBuffer = ByteBuffer.allocateDirect(64 * 4)
    private val chroma: ByteBuffer = ByteBuffer.allocateDirect(64 * 2)
    private val second: ByteBuffer = (chroma.duplicate().position(1) as ByteBuffer).slice()

    override fun getFormat() = format

    override fun getWidth() = 6

    override fun getHeight() = 4

    override fun getTimestamp() = 0L

    override fun getTransform() = 0

    override fun getScalingMode() = 0

    override fun getDataSpace() = space

    override fun getPlanes(): Array<Plane> = arrayOf(plane(luma, 1), plane(second, 2), plane(chroma, 2))

    override fun close() = Unit

    private fun plane(
        bytes: ByteBuffer,
        stride: Int,
    ) = object : Plane() {
        override fun getRowStride() = 64

        override fun getPixelStride() = stride

        override fun getBuffer() = bytes
    }
}

@RunWith(RobolectricTestRunner::class)
class CameraFramesTest {
    @Test
    fun `a frame's planes are taken as they lie`() {
        val frame = Frame()
        val buffer = frame.toPixelBuffer()
        assertEquals(listOf(6, 4, 1), listOf(buffer.width, buffer.height, buffer.orientation))
        assertEquals(listOf(64 to 1, 64 to 2, 64 to 2), buffer.planes.map { it.rowStride to it.pixelStride })
        for ((plane, wanted) in buffer.planes.zip(frame.planes)) assertSame(wanted.buffer, plane.bytes)
    }

    @Test
    fun `rotations are those of EXIF, and others are refused`() {
        assertEquals(listOf(1, 6, 3, 8), listOf(0, 90, 180, 270).map { Frame().toPixelBuffer(it).orientation })
        for (degrees in listOf(-90, 45, 360)) {
            val error = assertThrows(ImageException::class.java) { Frame().toPixelBuffer(degrees) }
            assertEquals(ErrorCode.IMAGE_BUFFER_FORMAT, error.code)
        }
    }

    @Test
    fun `colours are those that the frame states, or a camera's`() {
        val stated =
            mapOf(
                DataSpace.DATASPACE_UNKNOWN to (YuvMatrix.BT601 to ValueRange.FULL),
                DataSpace.DATASPACE_JFIF to (YuvMatrix.BT601 to ValueRange.FULL),
                DataSpace.DATASPACE_BT709 to (YuvMatrix.BT709 to ValueRange.VIDEO),
                DataSpace.DATASPACE_BT601_525 to (YuvMatrix.BT601 to ValueRange.VIDEO),
            )
        for ((space, wanted) in stated) {
            val buffer = Frame(space = space).toPixelBuffer()
            assertEquals(wanted, buffer.matrix to buffer.valueRange, "$space")
        }
        val told = Frame(space = DataSpace.DATASPACE_JFIF).toPixelBuffer(0, YuvMatrix.BT709, ValueRange.VIDEO)
        assertEquals(YuvMatrix.BT709 to ValueRange.VIDEO, told.matrix to told.valueRange)
    }

    @Test
    fun `a frame in another format is refused`() {
        for (format in listOf(ImageFormat.JPEG, PixelFormat.RGBA_8888, ImageFormat.RAW_SENSOR)) {
            val error = assertThrows(ImageException::class.java) { Frame(format).toPixelBuffer() }
            assertEquals(ErrorCode.IMAGE_BUFFER_FORMAT, error.code)
        }
    }

    @Test
    fun `planes of any other class are a frame too`() {
        val planes = Frame().planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
        val buffer = yuvFrame(planes, 6, 4, rotationDegrees = 90)
        assertEquals(listOf(6, 4, 6), listOf(buffer.width, buffer.height, buffer.orientation))
        assertEquals(YuvMatrix.BT601 to ValueRange.FULL, buffer.matrix to buffer.valueRange)
        assertNull(buffer.planes.firstOrNull { it.bytes.limit() == 0 })
    }
}

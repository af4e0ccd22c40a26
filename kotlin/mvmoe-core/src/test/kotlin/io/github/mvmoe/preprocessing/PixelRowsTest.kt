package io.github.mvmoe.preprocessing

import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.nio.ByteBuffer
import kotlin.test.assertContentEquals

class PixelRowsTest {
    private val places = intArrayOf(0, 3, 4, 9, 15)

    @ParameterizedTest
    @EnumSource
    fun `some pixels of a row are those of the whole row`(format: PixelFormat) {
        for (isGreyWanted in listOf(false, true)) {
            val rows = pixelRows(buffer(format), isGreyWanted)
            val (whole, picked) = IntArray(rows.channels * WIDTH) to IntArray(rows.channels * places.size)
            for (row in 0 until HEIGHT) {
                rows.read(row, 0, WIDTH, whole)
                rows.pick(row, places, picked)
                val wanted = places.flatMap { place -> List(rows.channels) { whole[rows.channels * place + it] } }
                assertContentEquals(wanted.toIntArray(), picked, "row $row")
            }
        }
    }

    /** With gaps between its pixels and its rows. */
    private fun buffer(format: PixelFormat): PixelBuffer {
        val planes =
            format.layouts.mapIndexed { number, layout ->
                val pixelStride = layout.samples + 1
                val rowStride = pixelStride * WIDTH + 5
                val bytes = PreprocessingSuite.madeBytes(seed = 5, run = number + 1, length = rowStride * HEIGHT)
                Plane(ByteBuffer.wrap(bytes), rowStride, pixelStride)
            }
        return PixelBuffer(format, WIDTH, HEIGHT, planes, 1, YuvMatrix.BT709, ValueRange.FULL)
    }

    private companion object {
        const val WIDTH = 16
        const val HEIGHT = 6
    }
}

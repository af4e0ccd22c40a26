package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.InputTransform
import io.github.mvmoe.testing.double
import io.github.mvmoe.testing.floats
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.int
import io.github.mvmoe.testing.ints
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.text
import org.junit.jupiter.api.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Masks and maps: numbers for each place of the input, and what they say of a pixel of the image. */
class PlacesOutputTest {
    @Test
    fun `the classes of an image's pixels are those of mvmoe_deploy`() {
        val views = OutputCases.views<MaskOutput>("mask")
        assertTrue(views.any { (case, _) -> -1 in case["pixels"].ints() } && views.any { (_, output) -> output.shape[0] == 1 })
        for ((case, output) in views) {
            val wanted = case["pixels"].ints().toIntArray()
            assertContentEquals(wanted, output.classMapOfImage())
            val width = case["transform"].ints()[0]
            assertEquals(wanted.toList(), wanted.indices.map { output.classAtPixel(it % width, it / width) ?: -1 })
        }
    }

    @Test
    fun `shares of classes are those of mvmoe_deploy`() {
        for ((case, output) in OutputCases.views<MaskOutput>("mask")) {
            val wanted = case["shares"].items().map { it.items() }.map { Triple(it[0].int(), it[1].text(), it[2].double()) }
            assertEquals(wanted, output.shares().map { Triple(it.index, it.label, it.share) })
        }
    }

    @Test
    fun `values of a map at an image's pixels are those of mvmoe_deploy`() {
        for ((case, output) in OutputCases.views<MapOutput>("map")) {
            val wanted = case["pixels"].floats()
            val inside = case["inside"].ints()
            val width = case["transform"].ints()[0]
            for (pixel in wanted.indices) {
                assertEquals(wanted[pixel].takeIf { inside[pixel] == 1 }, output.valueAtPixel(0, pixel % width, pixel / width))
            }
        }
    }

    @Test
    fun `a mask by hand`() {
        val mask = outputOf("mask", listOf(2, 1, 3), 0f, 1f, 2f, 0f, 2f, 1f, labels = listOf("sky", "road")) as MaskOutput
        assertContentEquals(intArrayOf(0, 1, 0), mask.classMap())
        assertEquals(1, mask.classAt(row = 0, column = 1))
        assertEquals(listOf("sky", "road"), mask.shares().map { it.label })
        assertContentEquals(mask.classMap(), mask.classMapOfImage())
        assertEquals(3 to 1, mask.width to mask.height)
    }

    @Test
    fun `with one class a place is foreground above 0`() {
        val mask = outputOf("mask", listOf(1, 2, 2), 0f, 1e-30f, -1f, 5f, labels = listOf("person")) as MaskOutput
        assertContentEquals(intArrayOf(0, 1, 0, 1), mask.classMap())
        assertEquals(listOf("person" to 0.5), mask.shares().map { it.label to it.share })
    }

    @Test
    fun `a map by hand, with channels`() {
        val transform = InputTransform(4, 2, 2, 1, left = 0, top = 0, inputWidth = 2, inputHeight = 1)
        val map = outputOf("map", listOf(2, 1, 2), 1f, 2f, 3f, 4f, transform = transform) as MapOutput
        assertEquals(4f, map.valueAt(channel = 1, row = 0, column = 1))
        assertEquals<List<Float?>>(listOf(3f, 3f, 4f, 4f), (0..3).map { map.valueAtPixel(1, it, 1) })
        assertEquals(listOf(2, 1, 2), listOf(map.channels, map.height, map.width))
    }

    @Test
    fun `what is outside has no class and no value`() {
        val mask = outputOf("mask", listOf(1, 1, 2), 1f, 1f) as MaskOutput
        for ((x, y) in listOf(-1 to 0, 2 to 0, 0 to -1, 0 to 1)) assertNull(mask.classAtPixel(x, y))
        assertFailsWith<IndexOutOfBoundsException> { mask.classAt(0, 2) }
        val map = outputOf("map", listOf(1, 1, 1), 1f) as MapOutput
        assertFailsWith<IndexOutOfBoundsException> { map.valueAt(1, 0, 0) }
        assertFailsWith<IndexOutOfBoundsException> { map.valueAtPixel(1, 0, 0) }
    }

    /** Products beyond an Int: whole numbers of 64 bits hold them. */
    @Test
    fun `a very long image has places too`() {
        val transform = InputTransform(1_000_000, 1, 100_000_000, 1, left = 99_991_808, top = 0, inputWidth = 8192, inputHeight = 1)
        // Its last pixel is as wide as 100 columns of the input, and its middle is 50 from the end.
        assertEquals(8192 - 50, transform.cellOfColumn(999_999, 8192))
        assertEquals(-1, transform.cellOfColumn(0, 8192))
    }
}

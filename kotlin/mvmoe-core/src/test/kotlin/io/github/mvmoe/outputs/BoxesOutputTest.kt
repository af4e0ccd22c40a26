package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.Box
import io.github.mvmoe.preprocessing.InputTransform
import io.github.mvmoe.testing.double
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.int
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.text
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class BoxesOutputTest {
    @Test
    fun `detections are those of mvmoe_deploy, in pixels of the image`() {
        val views = OutputCases.views<BoxesOutput>("boxes")
        assertTrue(views.sumOf { (case, _) -> case["boxes"].items().size } >= 40)
        for ((case, output) in views) {
            val wanted =
                case["boxes"].items().map { it.items() }.map { found ->
                    val (left, top, right, bottom) = found.drop(3).map { it.double() }
                    Triple(found[0].int() to found[1].text(), found[2].double(), Box(left, top, right, bottom))
                }
            assertEquals(wanted, output.detections().map { Triple(it.index to it.label, it.score, it.box) })
        }
    }

    @Test
    fun `what is found, by hand`() {
        val rows =
            listOf(
                // Two of one class that share 6 of 10: the one with the lower score is left out.
                floatArrayOf(0f, 0f, 8f, 1f, 0.5f, 0f),
                floatArrayOf(2f, 0f, 10f, 1f, 0.9f, 0f),
                // As near, but of another class.
                floatArrayOf(2f, 0f, 10f, 1f, 0f, 0.8f),
                // A score that is just enough, and one that is not.
                floatArrayOf(20f, 0f, 22f, 2f, 0.25f, 0.2f),
                floatArrayOf(30f, 0f, 32f, 2f, 0.2499f, 0.2f),
                // No area.
                floatArrayOf(40f, 0f, 40f, 2f, 0.9f, 0f),
                // Both classes alike: the lower.
                floatArrayOf(50f, 0f, 52f, 2f, 0.3f, 0.3f),
            )
        val values = rows.reduce(FloatArray::plus)
        val found = (outputOf("boxes", listOf(7, 6), *values, labels = listOf("cat", "dog")) as BoxesOutput).detections()
        assertEquals(listOf("cat", "dog", "cat", "cat"), found.map { it.label })
        assertEquals(listOf(1, 2, 6, 3), found.map { it.row })
        assertEquals(Box(2.0, 0.0, 10.0, 1.0), found[0].box)
    }

    @Test
    fun `two that share half of what they cover are both kept`() {
        val values = floatArrayOf(0f, 0f, 3f, 1f, 0.9f, 1f, 0f, 4f, 1f, 0.8f)
        assertEquals(2, (outputOf("boxes", listOf(2, 5), *values) as BoxesOutput).detections().size)
    }

    @Test
    fun `overlaps by hand`() {
        val box = Box(0.0, 0.0, 4.0, 2.0)
        assertEquals(1.0, overlap(box, box))
        assertEquals(0.0, overlap(box, Box(4.0, 0.0, 6.0, 2.0)))
        assertEquals(1.0 / 3, overlap(box, Box(2.0, 0.0, 6.0, 2.0)), 1e-15)
    }

    @Test
    fun `a box is moved to the image and cut to it`() {
        // An image of 200 x 100 that became 20 x 10, with 5 rows of padding above.
        val transform = InputTransform(200, 100, 20, 10, left = 0, top = -5, inputWidth = 20, inputHeight = 20)
        val output = outputOf("boxes", listOf(1, 5), 1f, 4f, 30f, 6f, 1f, transform = transform) as BoxesOutput
        assertEquals(listOf(Box(10.0, 0.0, 200.0, 10.0)), output.detections().map { it.box })
    }
}

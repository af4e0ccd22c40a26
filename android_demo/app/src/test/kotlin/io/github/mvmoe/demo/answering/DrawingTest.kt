package io.github.mvmoe.demo.answering

import io.github.mvmoe.demo.HandDrawn
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class DrawingTest {
    private val image = DrawnImage(8, 8)

    private fun rows(drawing: Drawing): List<List<Int>> = image.grey(drawing).map { it.toInt() and 0xFF }.chunked(8)

    private fun line(
        fromX: Float,
        fromY: Float,
        toX: Float,
        toY: Float,
    ) = Drawing(listOf(listOf(Point(fromX, fromY), Point(toX, toY))))

    @Test
    fun `what is written is read again`() {
        for (drawing in HandDrawn.digits.values + Drawing()) assertEquals(drawing, Drawing.of(drawing.toFloats()))
    }

    @Test
    fun `digits reach from the top to the bottom, in the middle, as bold as the data set's`() {
        for ((digit, drawing) in HandDrawn.digits) {
            val rows = rows(drawing)
            assertTrue(rows.all { row -> row.any { it > 0 } }, digit)
            assertTrue(rows.all { it.first() == 0 && it.last() == 0 }, digit)
            // Of the data set's digits it is 0.30.
            assertEquals(0.31, rows.flatten().average() / 255, 0.06, digit)
        }
    }

    @Test
    fun `where and how large a digit is drawn makes no difference`() {
        val drawing = HandDrawn.digits.getValue("5")
        val small = Drawing(drawing.strokes.map { stroke -> stroke.map { Point(0.5f + it.x / 4, 0.125f + it.y / 4) } })
        val pairs = image.grey(drawing).zip(image.grey(small)).map { (one, other) -> (one.toInt() and 0xFF) to (other.toInt() and 0xFF) }
        assertTrue(pairs.all { (one, other) -> kotlin.math.abs(one - other) <= 16 }, "$pairs")
    }

    @Test
    fun `a line that stands is a column of ink, one that lies a row`() {
        val standing = rows(line(0.7f, 0.1f, 0.7f, 0.9f))
        assertEquals(listOf(0, 0, 0, 191, 191, 0, 0, 0).map { it > 0 }, standing[4].map { it > 0 })
        assertTrue(standing.all { it[3] == it[4] })
        val lying = rows(line(0.1f, 0.2f, 0.9f, 0.2f))
        assertTrue(lying[3].drop(1).dropLast(1).all { it > 0 } && lying[0].all { it == 0 } && lying[7].all { it == 0 })
    }

    @Test
    fun `a dot stays a dot`() {
        val dot = Drawing(listOf(listOf(Point(0.9f, 0.9f))))
        val rows = rows(dot)
        assertEquals(4, rows.flatten().count { it > 80 })
        assertContentEquals(rows.flatten(), rows(Drawing(listOf(listOf(Point(0.2f, 0.3f), Point(0.2f, 0.3f))))).flatten())
    }

    @Test
    fun `an input of another size has the same digit`() {
        val wide = DrawnImage(56, 28).grey(HandDrawn.digits.getValue("3"))
        assertEquals(56 * 28, wide.size)
        val inked = wide.indices.filter { wide[it].toInt() != 0 }
        assertEquals(0, inked.minOf { it / 56 })
        assertEquals(27, inked.maxOf { it / 56 })
        // As high as it is wide: not stretched over the input.
        assertTrue(inked.maxOf { it % 56 } - inked.minOf { it % 56 } < 28)
    }
}

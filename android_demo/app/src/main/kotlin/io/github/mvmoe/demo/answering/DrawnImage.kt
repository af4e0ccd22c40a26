package io.github.mvmoe.demo.answering

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min
import kotlin.math.roundToInt

/**
 * Makes of a drawing what the digits of the data set are (E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI
 * 1998): white ink on black that reaches from the top to the bottom, of one thickness however large it was drawn, in a raster of
 * which 4 x 4 points are one pixel.
 *
 * @param width of the model's input, in pixels.
 * @param height of the model's input, in pixels.
 */
class DrawnImage(
    private val width: Int,
    private val height: Int,
) {
    private val columns = POINTS * width
    private val rows = POINTS * height
    private val radius = PEN * rows

    /** Grey levels `[height, width]`, row after row. */
    fun grey(drawing: Drawing): ByteArray {
        val inked = BooleanArray(columns * rows)
        for (stroke in placed(drawing).strokes) {
            for ((from, to) in (listOf(stroke.first()) + stroke).zipWithNext()) ink(inked, from, to)
        }
        return ByteArray(width * height) { pixel -> level(inked, pixel % width, pixel / width) }
    }

    /** Scaled and moved to the middle, so that it fills the raster's height, or as much of its width as the data set's digits do. */
    private fun placed(drawing: Drawing): Drawing {
        val points = drawing.strokes.flatten()
        val (left, right) = points.minOf { it.x } to points.maxOf { it.x }
        val (top, bottom) = points.minOf { it.y } to points.maxOf { it.y }
        val scale =
            min(
                (rows - 2 * radius) / max(bottom - top, SMALLEST),
                (WIDTH * columns - 2 * radius) / max(right - left, SMALLEST),
            )
        return Drawing(
            drawing.strokes.map { stroke ->
                stroke.map { Point((it.x - (left + right) / 2) * scale + columns / 2f, (it.y - (top + bottom) / 2) * scale + rows / 2f) }
            },
        )
    }

    /** Inks the points of the raster that are no farther than the pen's radius from a line. */
    private fun ink(
        inked: BooleanArray,
        from: Point,
        to: Point,
    ) {
        for (row in near(from.y, to.y, rows)) {
            for (column in near(from.x, to.x, columns)) {
                if (squaredDistance(column + HALF, row + HALF, from, to) <= radius * radius) inked[row * columns + column] = true
            }
        }
    }

    private fun near(
        from: Float,
        to: Float,
        size: Int,
    ): IntRange = max(0, floor(min(from, to) - radius).toInt())..min(size - 1, ceil(max(from, to) + radius).toInt())

    private fun squaredDistance(
        x: Float,
        y: Float,
        from: Point,
        to: Point,
    ): Float {
        val (dx, dy) = to.x - from.x to to.y - from.y
        val length = dx * dx + dy * dy
        val along = if (length == 0f) 0f else (((x - from.x) * dx + (y - from.y) * dy) / length).coerceIn(0f, 1f)
        val (offX, offY) = x - from.x - along * dx to y - from.y - along * dy
        return offX * offX + offY * offY
    }

    private fun level(
        inked: BooleanArray,
        x: Int,
        y: Int,
    ): Byte {
        val count =
            (0 until POINTS * POINTS).count {
                inked[(y * POINTS + it / POINTS) * columns + x * POINTS + it % POINTS]
            }
        return (count * WHITE / (POINTS * POINTS)).roundToInt().toByte()
    }

    private companion object {
        /** Points of the raster along a pixel's side. */
        const val POINTS = 4

        /** The pen's radius, of the height: of those tried the one whose digits the demo's model knows best. Its digits are as bold. */
        const val PEN = 2.7f / 32

        /** What the data set's digits take of the width, as a rule. */
        const val WIDTH = 0.75f

        /** A drawing that is smaller, of the canvas, is a dot: it is not blown up. */
        const val SMALLEST = 0.05f
        const val WHITE = 255f
        const val HALF = 0.5f
    }
}

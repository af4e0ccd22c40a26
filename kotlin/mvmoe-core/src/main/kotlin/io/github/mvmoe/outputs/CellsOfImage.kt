package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.InputTransform

/** Which cell of `[C, H, W]` each pixel of the upright image has; of the map itself where there is no image. */
internal class CellsOfImage(
    shape: List<Int>,
    private val transform: InputTransform?,
) {
    private val gridRows = shape[1]
    private val gridColumns = shape[2]

    val width: Int get() = transform?.imageWidth ?: gridColumns

    val height: Int get() = transform?.imageHeight ?: gridRows

    /** The cells' column for each of the image's; -1 where the input does not reach. */
    fun columns(): IntArray = IntArray(width, ::columnOf)

    /** The same of rows. */
    fun rows(): IntArray = IntArray(height, ::rowOf)

    /** The place in `[H, W]` of the cell that the pixel's middle lies in; -1 where the input does not reach. */
    fun cellAt(
        x: Int,
        y: Int,
    ): Int {
        val column = columnOf(x)
        val row = rowOf(y)
        return if (column < 0 || row < 0) -1 else row * gridColumns + column
    }

    private fun columnOf(x: Int): Int =
        when {
            x !in 0 until width -> -1
            transform == null -> x
            else -> transform.cellOfColumn(x, gridColumns)
        }

    private fun rowOf(y: Int): Int =
        when {
            y !in 0 until height -> -1
            transform == null -> y
            else -> transform.cellOfRow(y, gridRows)
        }
}

/** A place of `[C, H, W]` in C order. */
internal fun placeIn(
    shape: List<Int>,
    channel: Int,
    row: Int,
    column: Int,
): Int {
    val (channels, rows, columns) = shape
    if (channel !in 0 until channels || row !in 0 until rows || column !in 0 until columns) {
        throw IndexOutOfBoundsException("channel $channel, row $row, column $column of $shape")
    }
    return (channel * rows + row) * columns + column
}

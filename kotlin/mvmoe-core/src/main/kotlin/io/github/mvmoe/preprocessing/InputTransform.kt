package io.github.mvmoe.preprocessing

/**
 * Where the input lies in the upright image (`docs/bundle.md`, *Back to the image*).
 *
 * @property imageWidth of the upright image, in pixels.
 * @property imageHeight of the upright image, in pixels.
 * @property resizedWidth the size that all of the image is resized to.
 * @property resizedHeight the size that all of the image is resized to.
 * @property left the column of the resized image at which the input begins; negative where padding comes first.
 * @property top the row of the resized image at which the input begins.
 * @property inputWidth of the model's input, in pixels.
 * @property inputHeight of the model's input, in pixels.
 */
public class InputTransform(
    public val imageWidth: Int,
    public val imageHeight: Int,
    public val resizedWidth: Int,
    public val resizedHeight: Int,
    public val left: Int,
    public val top: Int,
    public val inputWidth: Int,
    public val inputHeight: Int,
) {
    /**
     * A box of the input as one of the upright image; with [cut] it is cut to the image, since a detector's box may reach into
     * the padding.
     */
    @JvmOverloads
    public fun toImage(
        box: Box,
        cut: Boolean = true,
    ): Box {
        val moved = Box(column(box.left), row(box.top), column(box.right), row(box.bottom))
        return if (cut) cutToImage(moved) else moved
    }

    // Add, multiply, divide, in this order: no scale is rounded.
    private fun column(x: Double): Double = (x + left) * imageWidth / resizedWidth

    private fun row(y: Double): Double = (y + top) * imageHeight / resizedHeight

    private fun cutToImage(box: Box): Box {
        val width = imageWidth.toDouble()
        val height = imageHeight.toDouble()
        return Box(
            box.left.coerceIn(0.0, width),
            box.top.coerceIn(0.0, height),
            box.right.coerceIn(0.0, width),
            box.bottom.coerceIn(0.0, height),
        )
    }

    /** Of [columns] of equal cells over the input the one that the middle of the image's column [x] lies in; -1 outside. */
    internal fun cellOfColumn(
        x: Int,
        columns: Int,
    ): Int = cellOf(x, imageWidth, resizedWidth, left, inputWidth, columns)

    /** The same of rows. */
    internal fun cellOfRow(
        y: Int,
        rows: Int,
    ): Int = cellOf(y, imageHeight, resizedHeight, top, inputHeight, rows)

    /** In whole numbers throughout: the middle of a pixel and the border of a cell may be the same place. */
    private fun cellOf(
        pixel: Int,
        image: Int,
        resized: Int,
        first: Int,
        size: Int,
        cells: Int,
    ): Int {
        // In units of which the input has `end`.
        val middle = (2L * pixel + 1) * resized - 2L * image * first
        val end = 2L * image * size
        return if (middle in 0 until end) (middle * cells / end).toInt() else -1
    }
}

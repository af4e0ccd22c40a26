package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/**
 * A class for each place of the input, from logits `[K, H, W]`.
 *
 * With K = 1 there is foreground, whose class is 1, and all else, 0.
 */
public class MaskOutput internal constructor(
    spec: OutputSpec,
    shape: List<Int>,
    values: FloatArray,
    private val transform: InputTransform?,
) : Output(spec, shape, values) {
    private val isForeground = shape[0] == 1
    private val classes = PlaceClasses(values, shape)

    /** H, the rows of the mask. */
    public val height: Int get() = shape[1]

    /** W, the columns of the mask. */
    public val width: Int get() = shape[2]

    /** The class of each place `[H, W]` of the mask. */
    public fun classMap(): IntArray = IntArray(height * width) { classes[it] }

    /**
     * The class at a place of the mask.
     *
     * @throws IndexOutOfBoundsException outside of `[H, W]`.
     */
    public fun classAt(
        row: Int,
        column: Int,
    ): Int = classes[placeIn(shape, 0, row, column)]

    /**
     * The class of a pixel of the upright image: that of the cell that the pixel's middle lies in; null where the input does not
     * reach. Without an image pixels are those of the mask.
     */
    public fun classAtPixel(
        x: Int,
        y: Int,
    ): Int? = CellsOfImage(shape, transform).cellAt(x, y).let { if (it < 0) null else classes[it] }

    /** The class of each pixel `[H, W]` of the upright image, as [classAtPixel] says; -1 where the input does not reach. */
    public fun classMapOfImage(): IntArray {
        val cells = CellsOfImage(shape, transform)
        val known = classMap()
        val columns = cells.columns()
        val rows = cells.rows()
        return IntArray(cells.height * cells.width) { pixel ->
            val column = columns[pixel % cells.width]
            val row = rows[pixel / cells.width]
            if (column < 0 || row < 0) -1 else known[row * width + column]
        }
    }

    /**
     * The classes that some place has, in their order, each with its share of all places. With K = 1 the foreground alone, which
     * has the index 0 here as the only class with a label.
     */
    public fun shares(): List<ClassShare> {
        val counts = IntArray(maxOf(shape[0], 2))
        for (place in classes.places) counts[classes[place]]++
        val found = if (isForeground) listOf(counts[1]) else counts.toList()
        return found.withIndex().filter { it.value > 0 }.map { (index, count) ->
            ClassShare(index, label(index), count / (height * width).toDouble())
        }
    }
}

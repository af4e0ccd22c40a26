package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.preprocessing.InputTransform

/** Numbers for each place of the input `[C, H, W]`: depth, an enhanced image, heat maps. */
public class MapOutput internal constructor(
    spec: OutputSpec,
    shape: List<Int>,
    values: FloatArray,
    private val transform: InputTransform?,
) : Output(spec, shape, values) {
    /** C, the numbers at each place. */
    public val channels: Int get() = shape[0]

    /** H, the rows of the map. */
    public val height: Int get() = shape[1]

    /** W, the columns of the map. */
    public val width: Int get() = shape[2]

    /**
     * The value at a place of the map.
     *
     * @throws IndexOutOfBoundsException outside of `[C, H, W]`.
     */
    public fun valueAt(
        channel: Int,
        row: Int,
        column: Int,
    ): Float = values[placeIn(shape, channel, row, column)]

    /**
     * The value at a pixel of the upright image: that of the cell that the pixel's middle lies in; null where the input does not
     * reach. The map's cells divide the input evenly. Without an image pixels are those of the map.
     */
    public fun valueAtPixel(
        channel: Int,
        x: Int,
        y: Int,
    ): Float? = CellsOfImage(shape, transform).cellAt(x, y).let { if (it < 0) null else values[channel * height * width + it] }
}

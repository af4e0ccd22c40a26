package io.github.mvmoe.bundle

/**
 * One input or output of a graph.
 *
 * @property name its short name.
 * @property shape its sizes, the batch first.
 * @property dtype the type of its numbers.
 * @property pixels for an input that takes an image as it is; else null.
 */
public class TensorSpec internal constructor(
    public val name: String,
    public val shape: List<Int>,
    public val dtype: DType,
    public val pixels: PixelScaling?,
) {
    /** The number of its elements. */
    public val elements: Long get() = elementsOf(shape)
}

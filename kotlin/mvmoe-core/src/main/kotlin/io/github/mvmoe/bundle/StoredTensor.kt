package io.github.mvmoe.bundle

/**
 * A tensor in the file `weights`: little-endian, in C order.
 *
 * @property offset from the beginning of the file: a multiple of 64.
 * @property shape its sizes.
 * @property dtype the type of its numbers.
 */
public class StoredTensor internal constructor(
    public val offset: Long,
    public val shape: List<Int>,
    public val dtype: DType,
)

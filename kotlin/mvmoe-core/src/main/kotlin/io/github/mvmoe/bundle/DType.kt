package io.github.mvmoe.bundle

/**
 * The type of a tensor's numbers.
 *
 * @property id its name in a manifest.
 * @property bytes of one number.
 */
public enum class DType(
    public val id: String,
    public val bytes: Int,
) {
    /** fp32. */
    FLOAT32("float32", 4),

    /** fp16. */
    FLOAT16("float16", 2),

    /** Signed integers of 64 bits. */
    INT64("int64", 8),

    /** Signed integers of 32 bits. */
    INT32("int32", 4),

    /** Signed integers of 8 bits: weights alone are of it. */
    INT8("int8", 1),
}

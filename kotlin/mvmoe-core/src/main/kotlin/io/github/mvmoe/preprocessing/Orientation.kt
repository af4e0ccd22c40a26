package io.github.mvmoe.preprocessing

/**
 * How an image is turned upright: where the pixel of an upright column and row is stored (`docs/bundle.md`, *Buffers*).
 *
 * @property isTransposed whether upright columns are stored rows, so that the sides are exchanged.
 * @property reversesColumns whether the first stored column is the last one of its upright axis.
 * @property reversesRows whether the first stored row is the last one of its upright axis.
 */
internal enum class Orientation(
    val isTransposed: Boolean,
    val reversesColumns: Boolean,
    val reversesRows: Boolean,
) {
    AS_IT_IS(false, false, false),
    MIRRORED(false, true, false),
    HALF_TURN(false, true, true),
    UPSIDE_DOWN(false, false, true),
    TRANSPOSED(true, false, false),
    QUARTER_TURN(true, false, true),
    TRANSVERSED(true, true, true),
    THREE_QUARTER_TURN(true, true, false),
    ;

    companion object {
        /** That of EXIF's number, 1 to 8. */
        fun of(number: Int): Orientation = entries[number - 1]
    }
}

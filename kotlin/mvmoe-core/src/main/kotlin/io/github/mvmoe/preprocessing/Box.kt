package io.github.mvmoe.preprocessing

/**
 * A rectangle in pixels. Coordinates are those of edges: the first pixel reaches from 0 to 1, an image from 0 to its width.
 *
 * @property left the column where it begins.
 * @property top the row where it begins.
 * @property right the column where it ends.
 * @property bottom the row where it ends.
 */
public class Box(
    public val left: Double,
    public val top: Double,
    public val right: Double,
    public val bottom: Double,
) {
    /** From the left edge to the right one. */
    public val width: Double get() = right - left

    /** From the top edge to the bottom one. */
    public val height: Double get() = bottom - top

    /** Whether it has the same edges. */
    override fun equals(other: Any?): Boolean =
        other is Box && left == other.left && top == other.top && right == other.right && bottom == other.bottom

    override fun hashCode(): Int = listOf(left, top, right, bottom).hashCode()

    /** `12.0, 3.5 to 40.0, 20.0`. */
    override fun toString(): String = "$left, $top to $right, $bottom"
}

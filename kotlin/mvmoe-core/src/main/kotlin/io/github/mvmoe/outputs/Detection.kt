package io.github.mvmoe.outputs

import io.github.mvmoe.preprocessing.Box

/**
 * Something that a detector has found.
 *
 * @property index of its class.
 * @property label the name of that class, or its number where classes have no names.
 * @property score of its class, from 0 to 1.
 * @property box in pixels of the upright image, cut to it; in pixels of the input where there is no image.
 * @property row of [Output.values] that it is.
 */
public class Detection internal constructor(
    public val index: Int,
    public val label: String,
    public val score: Double,
    public val box: Box,
    public val row: Int,
) {
    /** `dog 0.8 at 12.0, 3.5 to 40.0, 20.0`. */
    override fun toString(): String = "$label $score at $box"
}

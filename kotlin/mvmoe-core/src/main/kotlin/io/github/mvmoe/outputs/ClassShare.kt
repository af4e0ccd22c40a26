package io.github.mvmoe.outputs

/**
 * A class, and how much of a mask has it.
 *
 * @property index of the class.
 * @property label its name, or its number where classes have no names.
 * @property share of the mask's places, from 0 to 1.
 */
public class ClassShare internal constructor(
    public val index: Int,
    public val label: String,
    public val share: Double,
) {
    /** `sky 0.4`. */
    override fun toString(): String = "$label $share"
}

package io.github.mvmoe.outputs

/**
 * A class, and how likely it is.
 *
 * @property index of the class.
 * @property label its name, or its number where classes have no names.
 * @property probability its share of the softmax, from 0 to 1.
 */
public class ClassProbability internal constructor(
    public val index: Int,
    public val label: String,
    public val probability: Double,
) {
    /** `cat 0.93`. */
    override fun toString(): String = "$label $probability"
}

package io.github.mvmoe.outputs

/** A class with its share of the softmax, from 0 to 1. */
public class ClassProbability internal constructor(
    public val index: Int,
    public val label: String,
    public val probability: Double,
) {
    /** `cat 0.93`. */
    override fun toString(): String = "$label $probability"
}

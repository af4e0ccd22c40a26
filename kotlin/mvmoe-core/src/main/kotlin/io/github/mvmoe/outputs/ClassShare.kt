package io.github.mvmoe.outputs

/** A class, and the share of a mask's places that have it, from 0 to 1. */
public class ClassShare internal constructor(
    public val index: Int,
    public val label: String,
    public val share: Double,
) {
    /** `sky 0.4`. */
    override fun toString(): String = "$label $share"
}

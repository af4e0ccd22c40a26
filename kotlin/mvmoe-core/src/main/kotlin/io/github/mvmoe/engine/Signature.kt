package io.github.mvmoe.engine

import io.github.mvmoe.bundle.TensorSpec

/**
 * An input or output as an engine finds it in a graph.
 *
 * @property name the input's or output's.
 * @property shape sizes that a graph leaves open are -1.
 * @property dtype by its name in manifests (`float32`); any other text for a type that bundles do not have.
 */
public class Signature(
    public val name: String,
    public val shape: List<Long>,
    public val dtype: String,
) {
    /** Whether it is what the manifest says of an input or output of that name. */
    internal fun fits(spec: TensorSpec): Boolean = dtype == spec.dtype.id && shape == spec.shape.map(Int::toLong)

    override fun toString(): String = "$name $dtype $shape"
}

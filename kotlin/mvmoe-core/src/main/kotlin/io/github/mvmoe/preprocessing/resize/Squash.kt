package io.github.mvmoe.preprocessing.resize

import io.github.mvmoe.bundle.InputSpec

/** timm's crop mode `squash`: both sides are those of the input, divided by the crop fraction, whatever the proportions. */
internal object Squash : ResizeRule {
    override val name get() = "squash"

    override fun resized(
        width: Int,
        height: Int,
        input: InputSpec,
    ): Size = scaled(input)
}

package io.github.mvmoe.preprocessing.resize

import io.github.mvmoe.bundle.InputSpec

/** torchvision's `Resize(resize_size)` and `CenterCrop`. */
internal object Torchvision : ResizeRule {
    override val name get() = "torchvision"

    override fun resized(
        width: Int,
        height: Int,
        input: InputSpec,
    ): Size = shorterTo(checkNotNull(input.resizeSize).toLong(), width, height)
}

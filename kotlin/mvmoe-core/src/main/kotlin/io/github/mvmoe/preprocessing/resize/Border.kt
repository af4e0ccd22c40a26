package io.github.mvmoe.preprocessing.resize

import io.github.mvmoe.bundle.InputSpec

/** timm's crop mode `border`: all of the image is inside, with the mean colour beside it. */
internal object Border : ResizeRule {
    override val name get() = "border"

    override fun resized(
        width: Int,
        height: Int,
        input: InputSpec,
    ): Size {
        val wanted = scaled(input)
        val ratio = maxOf(width.toDouble() / wanted.width, height.toDouble() / wanted.height)
        return Size(maxOf(1, Math.rint(width / ratio).toLong()), maxOf(1, Math.rint(height / ratio).toLong()))
    }
}

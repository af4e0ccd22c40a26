package io.github.mvmoe.preprocessing.resize

import io.github.mvmoe.bundle.InputSpec

/** timm's crop mode `center`: the shorter side is that of the input, divided by the crop fraction. */
internal object Timm : ResizeRule {
    override val name get() = "timm"

    override fun resized(
        width: Int,
        height: Int,
        input: InputSpec,
    ): Size {
        val wanted = scaled(input)
        if (input.width == input.height) return shorterTo(wanted.width, width, height)
        val ratio = minOf(width.toDouble() / wanted.width, height.toDouble() / wanted.height)
        return Size(Math.rint(width / ratio).toLong(), Math.rint(height / ratio).toLong())
    }
}

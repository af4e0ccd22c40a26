package io.github.mvmoe.preprocessing.resize

import io.github.mvmoe.bundle.InputSpec

/** Detectors' letterbox: all of the image is inside, with one level beside it; in whole numbers throughout. */
internal object Letterbox : ResizeRule {
    override val name get() = "letterbox"

    override fun resized(
        width: Int,
        height: Int,
        input: InputSpec,
    ): Size {
        val isDown = input.padRounding == "down"
        val wanted = input.width.toLong()
        val tall = input.height.toLong()
        return if (wanted * height <= tall * width) {
            Size(wanted, quotient(height * wanted, width.toLong(), isDown))
        } else {
            Size(quotient(width * tall, height.toLong(), isDown), tall)
        }
    }

    override fun beginOfPadded(
        resized: Int,
        side: Int,
        input: InputSpec,
    ): Int = if (input.padPlace == "right-bottom") 0 else super.beginOfPadded(resized, side, input)

    override fun padding(
        channel: Int,
        input: InputSpec,
    ): Int = checkNotNull(input.padLevel)

    /** Rounded down or to the nearest, from an exact half to the even one; at least 1. */
    private fun quotient(
        dividend: Long,
        divisor: Long,
        isDown: Boolean,
    ): Long {
        val below = dividend / divisor
        val rest = 2 * (dividend - below * divisor)
        val isAbove = rest > divisor || (rest == divisor && below % 2 == 1L)
        return maxOf(1, if (isDown || !isAbove) below else below + 1)
    }
}

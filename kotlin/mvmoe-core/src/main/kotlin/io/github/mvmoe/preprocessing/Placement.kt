package io.github.mvmoe.preprocessing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import io.github.mvmoe.bundle.InputSpec
import io.github.mvmoe.preprocessing.resize.ResizeRules

/** Where the input lies in an image (`docs/bundle.md`, *Where the input lies*). */
internal object Placement {
    /** No pass may make more pixels: of a line of 1 x 10,000 a crop would need gigabytes. */
    private const val MOST_PIXELS = 100_000_000L

    /** A table of weights has several numbers for each pixel of a side. */
    private const val LONGEST_SIDE = 1_000_000

    /**
     * That of an upright image of this size.
     *
     * @throws ImageException for a size that no number here has room for (`image.too-large`).
     */
    fun of(
        width: Int,
        height: Int,
        input: InputSpec,
    ): InputTransform {
        val rule = ResizeRules.of(input)
        val resized = rule.resized(width, height, input)
        if (maxOf(resized.width, resized.height) > MOST_PIXELS) throw tooLong(width, height)
        val wide = resized.width.toInt()
        val tall = resized.height.toInt()
        return InputTransform(
            imageWidth = width,
            imageHeight = height,
            resizedWidth = wide,
            resizedHeight = tall,
            left = if (wide >= input.width) centred(wide - input.width) else rule.beginOfPadded(wide, input.width, input),
            top = if (tall >= input.height) centred(tall - input.height) else rule.beginOfPadded(tall, input.height, input),
            inputWidth = input.width,
            inputHeight = input.height,
        )
    }

    /**
     * Refuses an image that is so long and narrow that resizing it would take gigabytes.
     *
     * @throws ImageException `image.too-large`.
     */
    fun requireRoom(transform: InputTransform) {
        val sides = maxOf(transform.imageWidth, transform.imageHeight)
        val rows = transform.resizedWidth.toLong() * transform.imageHeight
        val columns = minOf(transform.inputWidth, transform.resizedWidth).toLong() * transform.resizedHeight
        if (sides > LONGEST_SIDE || maxOf(rows, columns) > MOST_PIXELS) throw tooLong(transform.imageWidth, transform.imageHeight)
    }

    /** Half of it, from a half to the even one. */
    private fun centred(difference: Int): Int = Math.rint(difference / 2.0).toInt()

    private fun tooLong(
        width: Int,
        height: Int,
    ) = ImageException(
        ErrorCode.IMAGE_TOO_LARGE,
        "an image of $width x $height pixels is too long and narrow to be resized: at most $MOST_PIXELS pixels are made on the way, " +
            "of sides of at most $LONGEST_SIDE; crop it first",
    )
}

package io.github.mvmoe.preprocessing.resize

import io.github.mvmoe.bundle.InputSpec
import kotlin.math.floor

/** The size that all of an image is resized to, in pixels; larger than what is read where that is refused. */
internal class Size(
    val width: Long,
    val height: Long,
)

/** How an image gets the input's size (`docs/bundle.md`, *Where the input lies*); one object a rule. */
internal interface ResizeRule {
    /** Its name in a manifest. */
    val name: String

    /** What an upright image of this size is resized to. */
    fun resized(
        width: Int,
        height: Int,
        input: InputSpec,
    ): Size

    /** Where the input begins along one axis, if the resized image is smaller: at minus the padding before it. */
    fun beginOfPadded(
        resized: Int,
        side: Int,
        input: InputSpec,
    ): Int = -((side - resized) / 2)

    /** The level beside the image, of a channel in the input's order. */
    fun padding(
        channel: Int,
        input: InputSpec,
    ): Int = Math.rint(255 * input.mean[channel]).coerceIn(0.0, 255.0).toInt()
}

/** The rules by their names. */
internal object ResizeRules {
    private val known = listOf(Timm, Torchvision, Squash, Border, Letterbox).associateBy { it.name }

    /** That of an input that was checked. */
    fun of(input: InputSpec): ResizeRule = known.getValue(input.resize)
}

/** The input's sides divided by the crop fraction, rounded down. */
internal fun scaled(input: InputSpec) =
    Size(floor(input.width / input.cropFraction).toLong(), floor(input.height / input.cropFraction).toLong())

/** The shorter side becomes [side], the longer one is rounded down. */
internal fun shorterTo(
    side: Long,
    width: Int,
    height: Int,
): Size = if (width <= height) Size(side, scale(side, height, width)) else Size(scale(side, width, height), side)

/** `side * longer div shorter`; a side that is refused anyway is not multiplied, which could overflow. */
private fun scale(
    side: Long,
    longer: Int,
    shorter: Int,
): Long = if (side > Int.MAX_VALUE) side else side * longer / shorter

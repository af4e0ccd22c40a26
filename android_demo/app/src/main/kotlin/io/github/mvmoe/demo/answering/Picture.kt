package io.github.mvmoe.demo.answering

/**
 * A picture to look at, upright and small enough for a screen.
 *
 * @property argb its pixels as `0xAARRGGBB`, row after row.
 * @property scale its width by that of the image that was answered.
 */
class Picture(
    val width: Int,
    val height: Int,
    val argb: IntArray,
    val scale: Double,
)

package io.github.mvmoe.preprocessing

/**
 * One plane of a format.
 *
 * @property name what messages call it.
 * @property samples of a pixel.
 * @property part how many columns, and rows, of the image share one of its pixels.
 */
internal class PlaneLayout(
    val name: String,
    val samples: Int,
    val part: Int,
)

private fun packed(samples: Int) = listOf(PlaneLayout("pixel", samples, 1))

private val luma = PlaneLayout("luma", 1, 1)

/** The planes that a buffer of this format has. */
internal val PixelFormat.layouts: List<PlaneLayout>
    get() =
        when (this) {
            PixelFormat.L -> GREY
            PixelFormat.RGB -> THREE
            PixelFormat.RGBA, PixelFormat.BGRA -> FOUR
            PixelFormat.NV12, PixelFormat.NV21 -> PAIRS
            PixelFormat.YUV420 -> SEPARATE
        }

/** Whether 2 x 2 pixels share chroma. */
internal val PixelFormat.hasChroma: Boolean get() = layouts.size > 1

private val GREY = packed(1)
private val THREE = packed(3)
private val FOUR = packed(4)
private val PAIRS = listOf(luma, PlaneLayout("chroma", 2, 2))
private val SEPARATE = listOf(luma, PlaneLayout("U", 1, 2), PlaneLayout("V", 1, 2))

package io.github.mvmoe.demo.answering

import io.github.mvmoe.Prediction
import io.github.mvmoe.outputs.BoxesOutput
import io.github.mvmoe.outputs.MaskOutput
import io.github.mvmoe.preprocessing.Box
import kotlin.math.max
import kotlin.math.roundToInt

/** A box in pixels of the upright image, with what it is around. */
class MarkedBox(
    val box: Box,
    val label: String,
    val index: Int,
    val score: Double,
)

/**
 * A class for each place of a grid over the upright image.
 *
 * @property classes `[height, width]`; [NONE] where nothing is marked.
 */
class MarkedPlaces(
    val width: Int,
    val height: Int,
    val classes: IntArray,
) {
    companion object {
        const val NONE = -1
    }
}

/** What is drawn over an image. */
class Marks(
    val boxes: List<MarkedBox>,
    val masks: List<MarkedPlaces>,
) {
    companion object {
        /** The most places along a mask's side: as fine as the eye wants them on a phone. */
        private const val LONGEST = 256

        fun of(prediction: Prediction): Marks =
            Marks(
                prediction.outputs.values.filterIsInstance<BoxesOutput>().flatMap { output ->
                    output.detections().map { MarkedBox(it.box, it.label, it.index, it.score) }
                },
                prediction.outputs.values.filterIsInstance<MaskOutput>().map {
                    places(it, prediction.transform.imageWidth, prediction.transform.imageHeight)
                },
            )

        private fun places(
            mask: MaskOutput,
            imageWidth: Int,
            imageHeight: Int,
        ): MarkedPlaces {
            val scale = minOf(1.0, LONGEST.toDouble() / max(imageWidth, imageHeight))
            val width = max(1, (imageWidth * scale).roundToInt())
            val height = max(1, (imageHeight * scale).roundToInt())
            // One logit for each place: its class 0 is what is not marked.
            val isForeground = mask.shape[0] == 1
            val classes =
                IntArray(width * height) { place ->
                    val x = ((2L * (place % width) + 1) * imageWidth / (2L * width)).toInt()
                    val y = ((2L * (place / width) + 1) * imageHeight / (2L * height)).toInt()
                    mask.classAtPixel(x, y).takeUnless { isForeground && it == 0 } ?: MarkedPlaces.NONE
                }
            return MarkedPlaces(width, height, classes)
        }
    }
}

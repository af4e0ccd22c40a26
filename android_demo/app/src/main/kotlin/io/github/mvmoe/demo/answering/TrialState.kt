package io.github.mvmoe.demo.answering

/** Where images come from. */
enum class Source { DRAW, PHOTO, CAMERA }

/** Grey levels `[height, width]`: what the model is given of a drawing. */
class GreyImage(
    val width: Int,
    val height: Int,
    val levels: ByteArray,
)

/**
 * What there is to show.
 *
 * @property photoPlace where the photo is.
 * @property isAnswering whether an answer is to come.
 * @property explanation the answer; null before there is one.
 * @property error why there is none, in a sentence.
 */
data class TrialState(
    val source: Source = Source.DRAW,
    val drawing: Drawing = Drawing(),
    val drawnImage: GreyImage? = null,
    val photoPlace: String? = null,
    val photo: Picture? = null,
    val frame: Picture? = null,
    val isAnswering: Boolean = false,
    val explanation: Explanation? = null,
    val error: String? = null,
)

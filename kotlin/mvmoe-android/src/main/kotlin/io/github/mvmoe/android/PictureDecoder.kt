package io.github.mvmoe.android

import android.graphics.Bitmap
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import java.io.IOException

/** By how much the sides of a picture of that width and height are divided; throws for one that is too large. */
internal typealias Sampling = (EncodedPicture, Int, Int) -> Int

/** A decoded picture, in sRGB, its colours not multiplied by alpha; [orientation] is EXIF's number, 1 where it is upright. */
internal class DecodedPicture(
    val bitmap: Bitmap,
    val orientation: Int,
)

/** One of Android's decoders. */
internal interface PictureDecoder {
    /** @throws ImageException `image.unreadable`, `image.damaged`, and what [sampling] throws. */
    fun decode(
        picture: EncodedPicture,
        sampling: Sampling,
    ): DecodedPicture
}

internal fun unreadable(
    picture: EncodedPicture,
    cause: IOException,
) = ImageException(ErrorCode.IMAGE_UNREADABLE, "$picture cannot be read (${cause.message}); give one that exists", cause = cause)

internal fun damaged(
    picture: EncodedPicture,
    cause: IOException? = null,
) = ImageException(
    ErrorCode.IMAGE_DAMAGED,
    "$picture is of no format that this Android decodes, or is damaged or cut off; save it again as JPEG or PNG",
    cause = cause,
)

package io.github.mvmoe.android

import android.graphics.ColorSpace
import android.graphics.ImageDecoder
import io.github.mvmoe.MvmoeException
import java.io.IOException

/** `ImageDecoder`, of Android 9 (API 28) and later; it turns pictures upright itself, and refuses those that are cut off. */
@NewerAndroid
internal object ImageDecoding : PictureDecoder {
    override fun decode(
        picture: EncodedPicture,
        sampling: Sampling,
    ): DecodedPicture {
        requireReadable(picture)
        var refusal: MvmoeException? = null
        val header =
            ImageDecoder.OnHeaderDecodedListener { decoder, info, _ ->
                try {
                    decoder.setTargetSampleSize(sampling(picture, info.size.width, info.size.height))
                } catch (tooLarge: MvmoeException) {
                    refusal = tooLarge
                    throw tooLarge
                }
                // Pixels that can be read, and the colour under them as it is.
                decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
                decoder.isUnpremultipliedRequired = true
                decoder.setTargetColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
            }
        try {
            return DecodedPicture(ImageDecoder.decodeBitmap(picture.source() as ImageDecoder.Source, header), orientation = 1)
        } catch (failure: IOException) {
            throw refusal ?: damaged(picture, failure)
        }
    }

    /** The decoder does not tell a picture that is not there from one that is damaged. */
    private fun requireReadable(picture: EncodedPicture) {
        try {
            picture.open().close()
        } catch (failure: IOException) {
            throw unreadable(picture, failure)
        }
    }
}

package io.github.mvmoe.android

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.media.ExifInterface
import java.io.IOException
import java.io.InputStream

/** `BitmapFactory`, for Android 8, with the orientation from EXIF. */
internal object BitmapDecoding : PictureDecoder {
    override fun decode(
        picture: EncodedPicture,
        sampling: Sampling,
    ): DecodedPicture =
        try {
            decodeOrThrow(picture, sampling)
        } catch (failure: IOException) {
            throw unreadable(picture, failure)
        }

    private fun decodeOrThrow(
        picture: EncodedPicture,
        sampling: Sampling,
    ): DecodedPicture {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        decode(picture, bounds)
        if (bounds.outWidth < 1 || bounds.outHeight < 1) throw damaged(picture)
        val options = options(sampling(picture, bounds.outWidth, bounds.outHeight))
        val bitmap = decode(picture, options) ?: throw damaged(picture)
        return DecodedPicture(bitmap, picture.open().use(::orientation))
    }

    private fun options(sample: Int) =
        BitmapFactory.Options().apply {
            inSampleSize = powerOfTwo(sample)
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
            // The colour under alpha as it is.
            inPremultiplied = false
        }

    private fun decode(
        picture: EncodedPicture,
        options: BitmapFactory.Options,
    ): Bitmap? = picture.open().use { BitmapFactory.decodeStream(it, null, options) }

    /** The decoder takes others for the next smaller one. */
    private fun powerOfTwo(sample: Int): Int = if (sample.countOneBits() == 1) sample else sample.takeHighestOneBit() * 2

    private fun orientation(stream: InputStream): Int {
        val found = ExifInterface(stream).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
        // Others, of which 0 is "undefined", turn nothing.
        return if (found in
            ExifInterface.ORIENTATION_NORMAL..ExifInterface.ORIENTATION_ROTATE_270
        ) {
            found
        } else {
            ExifInterface.ORIENTATION_NORMAL
        }
    }
}

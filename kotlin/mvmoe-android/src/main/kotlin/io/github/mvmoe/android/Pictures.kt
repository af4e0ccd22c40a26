package io.github.mvmoe.android

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import android.os.Build
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.preprocessing.PixelBuffer
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import java.io.File

/**
 * Decodes pictures by Android's decoders, as `docs/bundle.md` wants them: 8 bits a channel, in sRGB, the colour under alpha kept,
 * upright by their EXIF orientation.
 *
 * Android 9 and later decode by `ImageDecoder`; before, by `BitmapFactory`, which does not say so where a picture is cut off and
 * fills up the rest.
 *
 * A picture of more than [maxPixels] is decoded at a half, a third, ... of its sides, so that it fits: one of 100 megapixels takes the
 * memory of a small one. Its answer may then differ a little from that for all of its pixels.
 *
 * @property maxPixels the most pixels that are decoded; 16 million are 64 MB, twice over while they are copied.
 */
public class Pictures
    @JvmOverloads
    constructor(
        context: Context,
        public val maxPixels: Int = 16_000_000,
    ) {
        private val context = context.applicationContext

        init {
            require(maxPixels > 0) { "maxPixels $maxPixels was given; expected a number above 0" }
        }

        /**
         * The picture behind a Uri: of the photo picker, of a camera's application, ... It blocks.
         *
         * @throws ImageException that says what is wrong with it: it cannot be read (`image.unreadable`), is no picture that this
         * Android decodes, or is damaged (`image.damaged`), or has more than 100 million pixels (`image.too-large`).
         * @throws ResourceLimitException where there is no memory for it (`limit.memory`).
         */
        public fun decode(uri: Uri): PixelBuffer = decode(UriPicture(context.contentResolver, uri))

        /** The picture in a file; it throws as that of a Uri. */
        public fun decode(file: File): PixelBuffer = decode(FilePicture(file))

        /** The picture at a path in the application's assets; it throws as that of a Uri. */
        public fun decodeAsset(path: String): PixelBuffer = decode(AssetPicture(context.assets, path))

        /** As [decode], suspending. */
        public suspend fun decodeAsync(uri: Uri): PixelBuffer = runInterruptible(Dispatchers.IO) { decode(uri) }

        private fun decode(picture: EncodedPicture): PixelBuffer {
            val decoder = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) ImageDecoding else BitmapDecoding
            return decode(picture, decoder)
        }

        internal fun decode(
            picture: EncodedPicture,
            decoder: PictureDecoder,
        ): PixelBuffer {
            try {
                val decoded = decoder.decode(picture, ::sampling)
                return decoded.bitmap.use { it.toPixelBuffer(decoded.orientation) }
            } catch (error: OutOfMemoryError) {
                throw ResourceLimitException(
                    ErrorCode.LIMIT_MEMORY,
                    "$picture needs more memory than there is; decode it with a smaller maxPixels than $maxPixels",
                    cause = error,
                )
            }
        }

        /** By how much the sides of a picture are divided. */
        private fun sampling(
            picture: EncodedPicture,
            width: Int,
            height: Int,
        ): Int {
            val pixels = width.toLong() * height
            if (pixels > MOST_PIXELS) {
                throw ImageException(
                    ErrorCode.IMAGE_TOO_LARGE,
                    "$picture has $width x $height pixels; at most $MOST_PIXELS are read: scale it down",
                )
            }
            return generateSequence(1) { it + 1 }.first { pixels / it / it <= maxPixels }
        }

        private companion object {
            /** As the reference; a decoder of a picture that is coded in several passes needs memory for all of it. */
            const val MOST_PIXELS = 100_000_000L
        }
    }

private inline fun <T> Bitmap.use(block: (Bitmap) -> T): T =
    try {
        block(this)
    } finally {
        recycle()
    }

package io.github.mvmoe.preprocessing

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Bytes with two strides: sample `s` of the pixel in column `x` and row `y` is byte `y * rowStride + x * pixelStride + s`.
 *
 * @property bytes read from its place 0 to its limit, wherever its position is; direct or not. Those after the last sample may be
 * missing.
 * @property rowStride bytes from one row to the next.
 * @property pixelStride bytes from one pixel to the next.
 */
public class Plane(
    public val bytes: ByteBuffer,
    public val rowStride: Int,
    public val pixelStride: Int,
)

/** What the samples of a buffer are (`docs/bundle.md`, *Buffers*). */
public enum class PixelFormat {
    /** Grey. */
    L,

    /** Red, green, blue. */
    RGB,

    /** Red, green, blue, alpha: the colour as it is, whatever its alpha. */
    RGBA,

    /** Blue, green, red, alpha: the colour as it is, whatever its alpha. */
    BGRA,

    /** Luma, and chroma in pairs of which U comes first. */
    NV12,

    /** Luma, and chroma in pairs of which V comes first. */
    NV21,

    /** Luma, U, V: the planes of Android's `ImageProxy`, where U and V may share bytes. */
    YUV420,
}

/** How luma and chroma become red, green and blue. */
public enum class YuvMatrix {
    /** ITU-R BT.601: most cameras, and JPEG. */
    BT601,

    /** ITU-R BT.709: video of high definition. */
    BT709,
}

/** Which levels luma and chroma use. */
public enum class ValueRange {
    /** 0 to 255. */
    FULL,

    /** Luma 16 to 235, chroma 16 to 240. */
    VIDEO,
}

/**
 * Pixels in memory, as cameras and decoders give them; they are read when an image is answered, and not copied before.
 *
 * Sizes, strides and orientation are checked then, each with its code (`image.buffer-...`).
 *
 * @property format what the samples are.
 * @property width in pixels, before the image is turned.
 * @property height in pixels, before the image is turned.
 * @property planes one, or those of luma and chroma.
 * @property orientation EXIF's number, 1 to 8. A camera's "rotate clockwise by 0, 90, 180, 270 degrees" is 1, 6, 3, 8.
 * @property matrix null for a format without chroma.
 * @property valueRange null for a format without chroma.
 */
public class PixelBuffer
    @JvmOverloads
    constructor(
        public val format: PixelFormat,
        public val width: Int,
        public val height: Int,
        public val planes: List<Plane>,
        public val orientation: Int = 1,
        public val matrix: YuvMatrix? = null,
        public val valueRange: ValueRange? = null,
    ) {
        public companion object {
            /** Grey pixels, a byte each, row after row. */
            @JvmStatic
            @JvmOverloads
            public fun grey(
                bytes: ByteArray,
                width: Int,
                height: Int,
                orientation: Int = 1,
            ): PixelBuffer = packed(PixelFormat.L, ByteBuffer.wrap(bytes), width, height, 1, orientation)

            /** Pixels of red, green and blue, three bytes each, row after row. */
            @JvmStatic
            @JvmOverloads
            public fun rgb(
                bytes: ByteArray,
                width: Int,
                height: Int,
                orientation: Int = 1,
            ): PixelBuffer = packed(PixelFormat.RGB, ByteBuffer.wrap(bytes), width, height, 3, orientation)

            /** Pixels of red, green, blue and alpha, four bytes each, row after row. */
            @JvmStatic
            @JvmOverloads
            public fun rgba(
                bytes: ByteBuffer,
                width: Int,
                height: Int,
                orientation: Int = 1,
            ): PixelBuffer = packed(PixelFormat.RGBA, bytes, width, height, 4, orientation)

            /** Pixels as `0xAARRGGBB`, as `Bitmap.getPixels` and `BufferedImage.getRGB` give them; they are copied. */
            @JvmStatic
            @JvmOverloads
            public fun argb(
                pixels: IntArray,
                width: Int,
                height: Int,
                orientation: Int = 1,
            ): PixelBuffer {
                val bytes = ByteBuffer.allocate(Math.multiplyExact(4, pixels.size)).order(ByteOrder.LITTLE_ENDIAN)
                bytes.asIntBuffer().put(pixels)
                return packed(PixelFormat.BGRA, bytes, width, height, 4, orientation)
            }

            private fun packed(
                format: PixelFormat,
                bytes: ByteBuffer,
                width: Int,
                height: Int,
                samples: Int,
                orientation: Int,
            ): PixelBuffer {
                // A width that makes no sense is refused with all others, when the image is answered.
                val rowStride = (width.toLong() * samples).coerceIn(0, Int.MAX_VALUE.toLong()).toInt()
                return PixelBuffer(format, width, height, listOf(Plane(bytes, rowStride, samples)), orientation)
            }
        }
    }

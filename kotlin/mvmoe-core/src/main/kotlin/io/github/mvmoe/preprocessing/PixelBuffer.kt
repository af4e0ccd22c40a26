package io.github.mvmoe.preprocessing

import java.nio.ByteBuffer

/** Bytes with two strides: sample `s` of the pixel in column `x` and row `y` is byte `y * rowStride + x * pixelStride + s`. */
public class Plane(
    /** Read from its position 0 to its limit, wherever its position is; direct or not. */
    public val bytes: ByteBuffer,
    public val rowStride: Int,
    public val pixelStride: Int,
)

/** What the samples of a buffer are (`docs/bundle.md`, *Buffers*). */
public enum class PixelFormat { L, RGB, RGBA, BGRA, NV12, NV21, YUV420 }

/** How luma and chroma become red, green and blue. */
public enum class YuvMatrix { BT601, BT709 }

/** Which levels luma and chroma use. */
public enum class ValueRange { FULL, VIDEO }

/**
 * Pixels in memory, as cameras and decoders give them; nothing is copied until they become the model's input.
 *
 * Sizes, strides and orientation are checked when an image is answered, each with its code of `docs/errors.md`.
 *
 * @property orientation EXIF's number, 1 to 8. A camera's "rotate clockwise by 0, 90, 180, 270 degrees" is 1, 6, 3, 8.
 * @property matrix null for a format without chroma.
 * @property valueRange null for a format without chroma.
 */
public class PixelBuffer(
    public val format: PixelFormat,
    public val width: Int,
    public val height: Int,
    public val planes: List<Plane>,
    public val orientation: Int = 1,
    public val matrix: YuvMatrix? = null,
    public val valueRange: ValueRange? = null,
)

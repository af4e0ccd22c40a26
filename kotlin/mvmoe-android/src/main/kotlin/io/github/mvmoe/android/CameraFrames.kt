@file:JvmName("CameraFrames")

package io.github.mvmoe.android

import android.graphics.ImageFormat
import android.hardware.DataSpace
import android.media.Image
import android.os.Build
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.PixelFormat
import io.github.mvmoe.preprocessing.Plane
import io.github.mvmoe.preprocessing.ValueRange
import io.github.mvmoe.preprocessing.YuvMatrix

/**
 * A frame in `YUV_420_888` as it lies in memory: nothing is copied or converted before it is answered, and it has to stay open until
 * then.
 *
 * @param rotationDegrees by how much the frame is turned clockwise to be upright: 0, 90, 180 or 270.
 * @param matrix null for what the frame says of itself (Android 13), else [YuvMatrix.BT601], which is a camera's as a rule.
 * @param valueRange null for what the frame says of itself (Android 13), else [ValueRange.FULL], which is a camera's as a rule.
 * @throws ImageException for a frame in another format (`image.buffer-format`), or another rotation.
 */
@JvmOverloads
public fun Image.toPixelBuffer(
    rotationDegrees: Int = 0,
    matrix: YuvMatrix? = null,
    valueRange: ValueRange? = null,
): PixelBuffer {
    if (format != ImageFormat.YUV_420_888) throw wrongFormat(format)
    val space = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) FrameColours.of(this) else null
    return yuvFrame(
        planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) },
        width,
        height,
        rotationDegrees,
        matrix ?: space?.matrix ?: YuvMatrix.BT601,
        valueRange ?: space?.valueRange ?: ValueRange.FULL,
    )
}

/**
 * A frame of which the planes of luma, U and V are given: those of CameraX's `ImageProxy`, which has to stay open until it is answered.
 *
 * @param rotationDegrees by how much the frame is turned clockwise to be upright: 0, 90, 180 or 270.
 * @throws ImageException for another rotation (`image.buffer-format`).
 */
@JvmOverloads
public fun yuvFrame(
    planes: List<Plane>,
    width: Int,
    height: Int,
    rotationDegrees: Int = 0,
    matrix: YuvMatrix = YuvMatrix.BT601,
    valueRange: ValueRange = ValueRange.FULL,
): PixelBuffer = PixelBuffer(PixelFormat.YUV420, width, height, planes, orientation(rotationDegrees), matrix, valueRange)

/**
 * The number of EXIF for a rotation.
 *
 * @throws ImageException for a rotation by no quarter turns (`image.buffer-format`).
 */
private fun orientation(rotationDegrees: Int): Int =
    when (rotationDegrees) {
        0 -> 1

        90 -> 6

        180 -> 3

        270 -> 8

        else -> throw ImageException(
            ErrorCode.IMAGE_BUFFER_FORMAT,
            "a rotation by $rotationDegrees degrees was given; expected 0, 90, 180 or 270, as ImageInfo.rotationDegrees has it",
        )
    }

private fun wrongFormat(format: Int) =
    ImageException(
        ErrorCode.IMAGE_BUFFER_FORMAT,
        "a frame in Android's format $format was given; expected YUV_420_888 (${ImageFormat.YUV_420_888}): ask the camera for that, " +
            "or decode a JPEG by Pictures",
    )

/** What a frame says of its colours, as far as bundles know it. */
private class FrameColours(
    val matrix: YuvMatrix?,
    val valueRange: ValueRange?,
) {
    /** Since Android 13 (API 33). */
    @NewerAndroid
    companion object {
        fun of(image: Image): FrameColours {
            val space = image.dataSpace
            return FrameColours(matrix(DataSpace.getStandard(space)), range(DataSpace.getRange(space)))
        }

        private fun matrix(standard: Int): YuvMatrix? =
            when (standard) {
                DataSpace.STANDARD_BT709 -> YuvMatrix.BT709
                DataSpace.STANDARD_BT601_625, DataSpace.STANDARD_BT601_525 -> YuvMatrix.BT601
                else -> null
            }

        private fun range(range: Int): ValueRange? =
            when (range) {
                DataSpace.RANGE_FULL -> ValueRange.FULL
                DataSpace.RANGE_LIMITED -> ValueRange.VIDEO
                else -> null
            }
    }
}

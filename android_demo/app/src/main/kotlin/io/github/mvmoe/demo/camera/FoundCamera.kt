package io.github.mvmoe.demo.camera

import android.graphics.ImageFormat
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.util.Size
import kotlin.math.abs

/**
 * The camera that is used: the one at the back, or else the first.
 *
 * @property size of its frames, near to what a model needs.
 */
class FoundCamera private constructor(
    val id: String,
    val size: Size,
    private val isFront: Boolean,
    private val sensorDegrees: Int,
) {
    /** By how much a frame is turned clockwise to be upright on a display that is turned by [displayDegrees]. */
    fun rotationDegrees(displayDegrees: Int): Int {
        val display = if (isFront) -displayDegrees else displayDegrees
        return (sensorDegrees - display + FULL_TURN) % FULL_TURN
    }

    companion object {
        const val FORMAT = ImageFormat.YUV_420_888
        private const val FULL_TURN = 360
        private const val PIXELS = 640 * 480

        /** Null where there is none; throws CameraAccessException where the system refuses. */
        fun find(manager: CameraManager): FoundCamera? {
            val cameras = manager.cameraIdList.mapNotNull { id -> of(id, manager.getCameraCharacteristics(id)) }
            return cameras.firstOrNull { !it.isFront } ?: cameras.firstOrNull()
        }

        private fun of(
            id: String,
            facts: CameraCharacteristics,
        ): FoundCamera? {
            val sizes = facts[CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP]?.getOutputSizes(FORMAT).orEmpty()
            val size = sizes.minByOrNull { abs(it.width * it.height - PIXELS) } ?: return null
            val isFront = facts[CameraCharacteristics.LENS_FACING] == CameraCharacteristics.LENS_FACING_FRONT
            return FoundCamera(id, size, isFront, facts[CameraCharacteristics.SENSOR_ORIENTATION] ?: 0)
        }
    }
}

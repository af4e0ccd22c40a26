package io.github.mvmoe.demo.screens.trying

import android.Manifest
import android.content.pm.PackageManager
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraManager
import android.view.Surface
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.Source
import io.github.mvmoe.demo.answering.Trial
import io.github.mvmoe.demo.camera.CameraStream
import io.github.mvmoe.demo.camera.FoundCamera
import io.github.mvmoe.demo.screens.Requests
import io.github.mvmoe.demo.screens.ScreenHost
import kotlinx.coroutines.launch

/** The camera while its tab is seen: asks for the permission, and says in a sentence what is in the way. */
internal class CameraSource(
    private val host: ScreenHost,
    private val trial: Trial,
) {
    private enum class Phase { OFF, ASKING, ON, FAILED }

    private val activity = host.activity
    private val manager = activity.getSystemService(CameraManager::class.java)
    private var phase = Phase.OFF
    private var stream: CameraStream? = null

    /** Begins, or ends; nothing happens where it is so already. */
    fun use(isWanted: Boolean) {
        if (!isWanted) {
            stop()
        } else if (phase == Phase.OFF) {
            begin()
        }
    }

    /** Asks again, when the user says so. */
    fun ask() {
        phase = Phase.OFF
        begin()
    }

    fun onPermission(isGranted: Boolean) {
        if (isGranted) open() else fail(R.string.camera_refused)
    }

    private fun begin() {
        if (manager == null ||
            !activity.packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY)
        ) {
            return fail(R.string.camera_none)
        }
        if (activity.checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) return open()
        phase = Phase.ASKING
        activity.requestPermissions(arrayOf(Manifest.permission.CAMERA), Requests.CAMERA)
    }

    private fun open() {
        val camera =
            try {
                FoundCamera.find(manager)
            } catch (refused: CameraAccessException) {
                return fail(R.string.camera_failed, refused.message)
            }
        if (camera == null) return fail(R.string.camera_none)
        phase = Phase.ON
        trial.fail(Source.CAMERA, null)
        stream =
            CameraStream(manager, camera, camera.rotationDegrees(displayDegrees()), trial::frame) { reason ->
                host.scope.launch { fail(R.string.camera_failed, reason) }
            }.apply { open() }
    }

    @Suppress("DEPRECATION") // Context.getDisplay is of Android 11.
    private fun displayDegrees(): Int =
        when (activity.windowManager.defaultDisplay.rotation) {
            Surface.ROTATION_90 -> 90
            Surface.ROTATION_180 -> 180
            Surface.ROTATION_270 -> 270
            else -> 0
        }

    private fun stop() {
        stream?.close()
        stream = null
        phase = Phase.OFF
    }

    private fun fail(
        sentence: Int,
        vararg words: Any?,
    ) {
        stop()
        phase = Phase.FAILED
        trial.fail(Source.CAMERA, activity.getString(sentence, *words))
    }
}

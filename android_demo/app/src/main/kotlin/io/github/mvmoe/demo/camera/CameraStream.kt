package io.github.mvmoe.demo.camera

import android.annotation.SuppressLint
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import io.github.mvmoe.android.toPixelBuffer
import io.github.mvmoe.preprocessing.PixelBuffer
import java.io.Closeable

/**
 * Frames of a camera, one after the other, until it is closed. Those that come while one is worked on are dropped, since the newest is
 * what the user sees.
 *
 * Everything happens on one thread of its own: a frame is never closed while it is read, and the camera never while it is opened.
 *
 * @param onFrame may block; the frame's memory is the camera's again when it returns.
 * @param onFailure is told why no frame comes any more.
 */
class CameraStream(
    private val manager: CameraManager,
    private val camera: FoundCamera,
    private val rotationDegrees: Int,
    private val onFrame: (PixelBuffer) -> Unit,
    private val onFailure: (String) -> Unit,
) : Closeable {
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private var reader: ImageReader? = null
    private var device: CameraDevice? = null
    private var isClosed = false

    /** The permission has been given. */
    fun open() {
        handler.post { failing(::openCamera) }
    }

    override fun close() {
        handler.post {
            isClosed = true
            device?.close()
            reader?.close()
        }
        thread.quitSafely()
    }

    @SuppressLint("MissingPermission")
    private fun openCamera() {
        val reader = ImageReader.newInstance(camera.size.width, camera.size.height, FoundCamera.FORMAT, FRAMES)
        this.reader = reader
        reader.setOnImageAvailableListener({ answerNewest(it) }, handler)
        manager.openCamera(camera.id, Device(), handler)
    }

    private fun answerNewest(reader: ImageReader) {
        if (isClosed) return
        reader.acquireLatestImage()?.use { onFrame(it.toPixelBuffer(rotationDegrees)) }
    }

    private fun failing(block: () -> Unit) {
        try {
            block()
        } catch (refused: CameraAccessException) {
            fail(refused.message)
        } catch (refused: SecurityException) {
            fail(refused.message)
        } catch (gone: IllegalStateException) {
            // Another application has taken the camera meanwhile.
            fail(gone.message)
        }
    }

    private fun fail(reason: String?) {
        if (!isClosed) onFailure(reason ?: "no reason given")
    }

    private inner class Device : CameraDevice.StateCallback() {
        override fun onOpened(opened: CameraDevice) {
            if (isClosed) return opened.close()
            device = opened
            failing {
                @Suppress("DEPRECATION") // What is to be used instead, Android 8 does not have.
                opened.createCaptureSession(listOf(reader!!.surface), Session(opened), handler)
            }
        }

        override fun onDisconnected(gone: CameraDevice) {
            gone.close()
            fail("another app uses it")
        }

        override fun onError(
            failed: CameraDevice,
            error: Int,
        ) {
            failed.close()
            fail("error $error of the camera")
        }
    }

    private inner class Session(
        private val device: CameraDevice,
    ) : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            if (isClosed) return
            failing {
                val request = device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                request.addTarget(reader!!.surface)
                session.setRepeatingRequest(request.build(), null, handler)
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession): Unit = fail("it does not give frames of ${camera.size}")
    }

    private companion object {
        /** One is read while the next is filled. */
        const val FRAMES = 2
    }
}

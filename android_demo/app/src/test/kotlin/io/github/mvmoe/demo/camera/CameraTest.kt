package io.github.mvmoe.demo.camera

import android.Manifest
import android.app.Application
import android.content.pm.PackageManager
import android.graphics.ImageFormat
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.util.Size
import io.github.mvmoe.demo.OpenDemo
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.testing.requireDemoBundle
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.StreamConfigurationMapBuilder
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertNull

/** What the app makes of the cameras that a phone has; frames themselves no JVM has. */
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "w411dp-h891dp-420dpi")
class CameraTest {
    private val application: Application = RuntimeEnvironment.getApplication()
    private val manager = application.getSystemService(CameraManager::class.java)

    @Before
    fun requireBundle() {
        requireDemoBundle()
        Shadows.shadowOf(application.packageManager).setSystemFeature(PackageManager.FEATURE_CAMERA_ANY, true)
    }

    private fun camera(
        id: String,
        facing: Int,
        sensorDegrees: Int,
        vararg sizes: Size,
    ) {
        val map = StreamConfigurationMapBuilder.newBuilder()
        for (size in sizes) map.addOutputSize(ImageFormat.YUV_420_888, size)
        val facts = ShadowCameraCharacteristics.newCameraCharacteristics()
        with(Shadows.shadowOf(facts)) {
            set(CameraCharacteristics.LENS_FACING, facing)
            set(CameraCharacteristics.SENSOR_ORIENTATION, sensorDegrees)
            set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, map.build())
        }
        Shadows.shadowOf(manager).addCamera(id, facts)
    }

    @Test
    fun `the camera at the back is taken, with frames that are not larger than needed`() {
        camera("front", CameraCharacteristics.LENS_FACING_FRONT, 270, Size(640, 480))
        camera("back", CameraCharacteristics.LENS_FACING_BACK, 90, Size(4000, 3000), Size(320, 240), Size(720, 480), Size(1280, 720))
        val found = FoundCamera.find(manager)!!
        assertEquals("back", found.id)
        assertEquals(Size(720, 480), found.size)
        assertEquals(listOf(90, 0, 270, 180), listOf(0, 90, 180, 270).map(found::rotationDegrees))
    }

    @Test
    fun `a camera at the front turns the other way`() {
        camera("front", CameraCharacteristics.LENS_FACING_FRONT, 270, Size(640, 480))
        assertEquals(listOf(270, 0, 90, 180), listOf(0, 90, 180, 270).map(FoundCamera.find(manager)!!::rotationDegrees))
    }

    @Test
    fun `a phone whose cameras give no frames has none`() {
        camera("depth", CameraCharacteristics.LENS_FACING_BACK, 90)
        assertNull(FoundCamera.find(manager))
        Shadows.shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        OpenDemo().use { demo ->
            demo.click(R.id.source_camera)
            demo.until("there is a sentence") { demo.text(R.id.error) != null }
            assertContains(demo.text(R.id.error)!!, "no camera that the app can use")
        }
    }

    @Test
    fun `a user who refuses is asked no more until he says so, and the camera starts when he allows it`() {
        camera("back", CameraCharacteristics.LENS_FACING_BACK, 90, Size(640, 480))
        OpenDemo().use { demo ->
            demo.click(R.id.source_camera)
            demo.answerPermission(Manifest.permission.CAMERA, isGranted = false)
            assertContains(demo.text(R.id.error)!!, "may not use the camera")
            demo.click(R.id.action)
            demo.answerPermission(Manifest.permission.CAMERA, isGranted = true)
            assertNull(demo.text(R.id.error))
            assertEquals("The camera starts…", demo.text(R.id.answer_more))
            demo.background()
            demo.foreground()
            demo.click(R.id.source_draw)
            assertNull(demo.text(R.id.error))
        }
    }
}

package io.github.mvmoe.demo.screens.trying

import android.graphics.Bitmap
import android.graphics.Color
import android.net.Uri
import android.provider.MediaStore
import io.github.mvmoe.demo.OpenDemo
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.testing.requireDemoBundle
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull

/** Photos that the user picks, of any size. */
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "w411dp-h891dp-420dpi")
class PhotoTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Before
    fun requireBundle() {
        requireDemoBundle()
    }

    private fun photo(
        width: Int,
        height: Int,
    ): File {
        val bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.rgb(200, 120, 40)) }
        return folder.newFile().also { file -> file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) } }
    }

    private fun pick(
        demo: OpenDemo,
        file: File,
    ) {
        demo.untilOpen()
        demo.click(R.id.source_photo)
        demo.click(R.id.action)
        demo.answerPicker(MediaStore.ACTION_PICK_IMAGES, Uri.fromFile(file))
    }

    @Test
    fun `photos of any size are shown and answered`() {
        val large = File(System.getProperty("mvmoe.repository"), "kotlin/mvmoe-android/src/test/resources/pictures/100_megapixels.png")
        OpenDemo().use { demo ->
            for (file in listOf(photo(1, 1), photo(9000, 120), photo(640, 480), large)) {
                pick(demo, file)
                demo.untilAnswered()
                assertNotNull(demo.text(R.id.probability))
                assertEquals("The picked photo", demo.view<android.view.View>(R.id.picture).contentDescription)
                assertNull(demo.text(R.id.error))
                demo.screenshot("try-photo")
                demo.click(R.id.source_draw)
            }
        }
    }

    @Test
    fun `a file that is no picture, and one that is gone, are a sentence each`() {
        OpenDemo().use { demo ->
            pick(demo, folder.newFile().apply { writeText("no picture") })
            demo.until("there is a sentence") { demo.text(R.id.error) != null }
            assertContains(demo.text(R.id.error)!!, "save it again as JPEG or PNG")
            demo.click(R.id.action)
            demo.answerPicker(MediaStore.ACTION_PICK_IMAGES, Uri.fromFile(File(folder.root, "gone.png")))
            demo.until("there is another sentence") { "cannot be read" in demo.text(R.id.error).orEmpty() }
        }
    }

    @Test
    fun `a user who turns back picks nothing`() {
        OpenDemo().use { demo ->
            demo.untilOpen()
            demo.click(R.id.source_photo)
            demo.click(R.id.action)
            demo.answerPicker(MediaStore.ACTION_PICK_IMAGES, null)
            assertEquals("Pick a photo, and the answer appears here.", demo.text(R.id.answer_more))
        }
    }
}

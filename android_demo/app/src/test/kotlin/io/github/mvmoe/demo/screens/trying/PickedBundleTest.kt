package io.github.mvmoe.demo.screens.trying

import android.content.Intent
import android.net.Uri
import android.provider.MediaStore
import io.github.mvmoe.demo.HandDrawn
import io.github.mvmoe.demo.OpenDemo
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.model.ModelStore
import io.github.mvmoe.demo.testing.PickedFolder
import io.github.mvmoe.demo.testing.await
import io.github.mvmoe.demo.testing.requireDemoBundle
import kotlinx.coroutines.MainScope
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.File
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertSame
import kotlin.test.assertTrue

/** Bundles that the user picks, good and bad; what was open stays open under a bad one. */
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "w411dp-h891dp-420dpi")
class PickedBundleTest {
    @get:Rule
    val folder = TemporaryFolder()
    private lateinit var own: File

    @Before
    fun requireBundle() {
        own = requireDemoBundle()
    }

    /** A copy of the demo's bundle, which may be changed. */
    private fun copy(change: (File) -> Unit = {}): File = folder.newFolder().also { own.copyRecursively(it, overwrite = true) }.also(change)

    private fun pick(
        demo: OpenDemo,
        bundle: File,
    ) {
        demo.chooseBundle(R.string.bundle_pick)
        demo.answerPicker(Intent.ACTION_OPEN_DOCUMENT_TREE, PickedFolder.of(bundle))
    }

    /** What the screen says of a bundle, of which it goes on with the one before. */
    private fun refused(bundle: File): String =
        OpenDemo().use { demo ->
            demo.untilOpen()
            val before = demo.activity.models.state.value.model
            pick(demo, bundle)
            demo.until("the bundle is refused") { demo.text(R.id.model_error) != null }
            demo.draw(HandDrawn.digits.getValue("3"))
            demo.untilAnswered()
            assertEquals("3", demo.text(R.id.answer))
            assertSame(before, demo.activity.models.state.value.model)
            demo.text(R.id.model_error)!!
        }

    @Test
    fun `a bundle that is picked answers, and is there again when the app is`() {
        val bundle = File(System.getProperty("mvmoe.repository"), "tests/conformance/answers/bundles/two_stages")
        OpenDemo().use { demo ->
            demo.untilOpen()
            pick(demo, bundle)
            demo.until("the bundle is open") { demo.routers() == 2 }
            demo.draw(HandDrawn.digits.getValue("3"))
            demo.untilAnswered()
            assertEquals(2, demo.children(R.id.decisions).size)
            assertContains(demo.text(R.id.comparison)!!, "nothing to compare with")
            assertContains(demo.text(R.id.answer_more)!!, Regex("experts [0-9], [0-9], then experts [0-9], [0-9]"))
            demo.screenshot("try-two-stages")
        }
        val later = ModelStore(RuntimeEnvironment.getApplication(), MainScope())
        later.start()
        await("the picked bundle is open again") { later.state.value.model != null }
        assertEquals(
            2,
            later.state.value.model
                ?.routed
                ?.bundle
                ?.manifest
                ?.rules
                ?.size,
        )
        OpenDemo().use { demo ->
            demo.until("the picked bundle is open") { demo.routers() == 2 }
            demo.chooseBundle(R.string.bundle_own)
            demo.until("the app's own bundle is open") { demo.routers() == 1 }
            assertNull(demo.text(R.id.model_error))
        }
    }

    @Test
    fun `boxes and masks of a model are drawn over the photo, and other outputs have a line each`() {
        val repository = System.getProperty("mvmoe.repository")
        OpenDemo().use { demo ->
            demo.untilOpen()
            pick(demo, File(repository, "tests/android_demo/bundles/many_outputs"))
            demo.until("the bundle is open") { demo.hasOutput("mask") }
            demo.click(R.id.source_photo)
            demo.click(R.id.action)
            demo.answerPicker(MediaStore.ACTION_PICK_IMAGES, Uri.fromFile(File(repository, "docs/class_to_expert.png")))
            demo.untilAnswered()
            val marks =
                demo.trial.state.value.explanation!!
                    .marks
            assertTrue(marks.boxes.isNotEmpty() && marks.boxes.all { it.score >= 0.25 })
            val mask = marks.masks.single()
            assertEquals(256, maxOf(mask.width, mask.height))
            assertTrue(mask.classes.toSet().all { it in -1..2 } && mask.classes.any { it >= 0 })
            val lines = demo.text(R.id.outputs)!!.lines().map { it.substringBefore(":") }
            assertEquals(listOf("boxes (boxes)", "mask (mask)", "depth (map)", "vector (embedding)"), lines)
            demo.screenshot("try-outputs")
        }
    }

    @Test
    fun `the boxes of a routed detector are drawn over the photo, and each of its stages is shown`() {
        val repository = System.getProperty("mvmoe.repository")
        OpenDemo().use { demo ->
            demo.untilOpen()
            pick(demo, File(repository, "tests/android_demo/bundles/detector"))
            demo.until("the bundle is open") { demo.routers() == 3 }
            demo.click(R.id.source_photo)
            demo.click(R.id.action)
            demo.answerPicker(MediaStore.ACTION_PICK_IMAGES, Uri.fromFile(File(repository, "docs/class_to_expert.png")))
            demo.untilAnswered()
            val marks =
                demo.trial.state.value.explanation!!
                    .marks
            val classes = setOf("circle", "square", "triangle", "star", "cross")
            assertTrue(marks.boxes.isNotEmpty() && marks.boxes.all { it.score >= 0.25 && it.label in classes })
            assertTrue(marks.masks.isEmpty())
            assertEquals(3, demo.children(R.id.decisions).size)
            val lines = demo.text(R.id.outputs)!!.lines().map { it.substringBefore(":") }
            assertEquals(listOf("found (boxes)"), lines)
            demo.screenshot("try-detector")
        }
    }

    @Test
    fun `a bundle with an altered byte is refused by its file's name`() {
        val altered =
            copy { bundle ->
                val file = File(bundle, "onnx/weights.bin")
                file.writeBytes(file.readBytes().also { it[1000] = (it[1000] + 1).toByte() })
            }
        assertContains(refused(altered), "weights.bin")
    }

    @Test
    fun `a bundle without a target for the engine says which it has`() {
        val other =
            copy {
                File(it, "manifest.json").apply {
                    writeText(
                        readText()
                            .replace(
                                "\"format\":\"onnx\"",
                                "\"format\":\"coreml\"",
                            ).replace("\"format\": \"onnx\"", "\"format\": \"coreml\""),
                    )
                }
            }
        assertContains(refused(other), "onnx")
    }

    @Test
    fun `a folder that is no bundle is one sentence`() {
        assertContains(refused(folder.newFolder()), "give a folder that mvmoe export has written")
    }

    @Test
    fun `a bundle that the storage has no room for says how much it needs`() {
        val huge =
            copy {
                File(
                    it,
                    "manifest.json",
                ).apply { writeText(readText().replaceFirst(Regex("\"bytes\": ?[0-9]+"), "\"bytes\": 900000000000000")) }
            }
        assertContains(refused(huge), "the storage is too full")
    }
}

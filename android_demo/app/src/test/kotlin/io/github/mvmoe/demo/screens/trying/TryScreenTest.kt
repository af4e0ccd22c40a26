package io.github.mvmoe.demo.screens.trying

import android.view.View
import android.widget.Button
import android.widget.TextView
import io.github.mvmoe.demo.HandDrawn
import io.github.mvmoe.demo.OpenDemo
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.testing.requireDemoBundle
import io.github.mvmoe.demo.views.DrawingView
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "w411dp-h891dp-420dpi")
class TryScreenTest {
    @Before
    fun requireBundle() {
        requireDemoBundle()
    }

    private fun answered(
        demo: OpenDemo,
        digit: String,
    ): String? {
        demo.untilOpen()
        demo.draw(HandDrawn.digits.getValue(digit))
        demo.untilAnswered()
        return demo.text(R.id.answer)
    }

    @Test
    fun `digits that are drawn are answered on the screen`() {
        OpenDemo().use { demo ->
            for (digit in HandDrawn.digits.keys) {
                assertEquals(digit, answered(demo, digit))
                demo.click(R.id.action)
                assertEquals("", demo.text(R.id.answer))
                assertFalse(demo.view<View>(R.id.details).isShown)
            }
        }
    }

    @Test
    fun `the screen says which expert, why, where the time went, and what all experts cost`() {
        OpenDemo().use { demo ->
            answered(demo, "3")
            val model = assertNotNull(demo.activity.models.state.value.model)
            val experts =
                model.routed.bundle.manifest.rules
                    .single()
                    .experts
            val rows = demo.children(R.id.decision_experts).map { it.contentDescription.toString() }
            assertEquals(experts, rows.size)
            val chosen = rows.single { "chosen" in it }.substringBefore(",").lowercase()
            assertContains(demo.text(R.id.decision_rule)!!, "top 1 of $experts experts. This image took $chosen.")
            assertContains(demo.text(R.id.answer_more)!!, chosen)
            assertEquals(6, demo.children(R.id.time_parts).size)
            assertContains(
                demo.view<View>(R.id.time_bar).contentDescription.toString(),
                "In all ${demo.text(R.id.total_time)}: Image to input ",
            )
            assertEquals(2, demo.children(R.id.compare_rows).size)
            assertContains(demo.text(R.id.comparison)!!, Regex("the same answer and takes [0-9.]+ times as long"))
        }
    }

    @Test
    fun `what is seen is said`() {
        OpenDemo().use { demo ->
            val canvas = demo.view<DrawingView>(R.id.canvas)
            assertContains(canvas.contentDescription, "Empty canvas")
            answered(demo, "5")
            assertEquals("Canvas with 2 strokes", canvas.contentDescription)
            val answer = demo.view<TextView>(R.id.answer)
            assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE, answer.accessibilityLiveRegion)
            assertContains(answer.contentDescription, Regex("5, [0-9.]+ %, by expert [0-9]"))
        }
    }

    @Test
    fun `a phone that is turned keeps drawing and answer`() {
        OpenDemo().use { demo ->
            answered(demo, "2")
            val model = demo.activity.models.state.value.model
            val time = demo.text(R.id.total_time)
            RuntimeEnvironment.setQualifiers("+w891dp-h411dp-land")
            demo.recreate()
            demo.untilAnswered()
            assertEquals("2", demo.text(R.id.answer))
            assertEquals(time, demo.text(R.id.total_time), "it was not answered again")
            assertEquals(
                HandDrawn.digits
                    .getValue("2")
                    .strokes.size,
                demo
                    .view<DrawingView>(R.id.canvas)
                    .drawing.strokes.size,
            )
            assertTrue(model === demo.activity.models.state.value.model)
            demo.screenshot("try-landscape")
        }
    }

    @Test
    fun `a process that the system has ended goes on with the drawing`() {
        val state = OpenDemo().let { demo -> answered(demo, "6").let { demo.end() } }
        OpenDemo(state).use { demo ->
            demo.untilAnswered()
            assertEquals("6", demo.text(R.id.answer))
        }
    }

    @Test
    fun `what was drawn before the model is open is answered then`() {
        OpenDemo().use { demo ->
            demo.draw(HandDrawn.digits.getValue("0"))
            demo.background()
            demo.foreground()
            demo.untilAnswered()
            assertEquals("0", demo.text(R.id.answer))
        }
    }

    @Test
    fun `it is seen in the light and in the dark`() {
        for (light in listOf("notnight", "night")) {
            RuntimeEnvironment.setQualifiers("+$light")
            OpenDemo().use { demo ->
                answered(demo, "3")
                // Again, since the first is of a machine that has just begun.
                demo.click(R.id.action)
                answered(demo, "3")
                demo.screenshot("try-$light")
            }
        }
    }

    @Test
    fun `a refused camera is a sentence, and the rest works`() {
        OpenDemo().use { demo ->
            demo.untilOpen()
            demo.click(R.id.source_camera)
            demo.until("there is a sentence") { demo.text(R.id.error) != null }
            assertContains(demo.text(R.id.error)!!, "drawing and photos work without")
            assertEquals("Allow the camera", demo.view<Button>(R.id.action).text.toString())
            demo.click(R.id.source_draw)
            assertEquals("9", answered(demo, "9"))
            assertEquals(null, demo.text(R.id.error))
        }
    }
}

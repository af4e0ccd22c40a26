package io.github.mvmoe.demo.screens

import android.app.Activity
import android.view.View
import android.widget.FrameLayout
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.bench.SubjectFigures
import io.github.mvmoe.demo.testing.screenshot
import io.github.mvmoe.demo.views.LineChart
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowLooper
import kotlin.test.assertEquals
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "w411dp-h400dp-xhdpi")
class SustainedCardTest {
    /** Ten minutes of a phone that is throttled lightly after three minutes and moderately after six. */
    private fun hotPhone() =
        SubjectFigures("dispatcher onnx").apply {
            for (look in 1..120) {
                val status =
                    if (look < 36) {
                        "none"
                    } else if (look < 72) {
                        "light"
                    } else {
                        "moderate"
                    }
                val median =
                    2_000_000L + (
                        if (look < 36) {
                            0
                        } else if (look < 72) {
                            400_000
                        } else {
                            1_100_000
                        }
                    ) + 10_000 * (look * 7 % 11)
                sustainedFor(look * 5_000_000_000L, median, median + 100_000 * (look * 5 % 7), status, 0.5 + look / 250.0, null)
            }
        }

    private fun show(figures: SubjectFigures): View {
        val activity = Robolectric.buildActivity(Activity::class.java).setup().get()
        activity.setTheme(R.style.Theme_Demo)
        val frame = FrameLayout(activity)
        activity.setContentView(View.inflate(activity, R.layout.bench_sustained, frame))
        SustainedCard(frame.getChildAt(0)).show(0, figures.snapshot())
        ShadowLooper.idleMainLooper()
        return frame
    }

    private fun View.text(id: Int) = findViewById<TextView>(id).text.toString()

    @Test
    fun `heat and the loss of speed are told in words and drawn`() {
        val card = show(hotPhone())
        assertEquals("Without a pause: dispatcher onnx", card.text(R.id.sustained_title))
        val told = card.text(R.id.sustained_figures)
        assertTrue("Heat: none, light from 2.9 min, moderate from 5.9 min." in told, told)
        assertTrue("2.07 ms at the beginning, 3.14 ms at the end: 1.52 times as long" in told, told)
        assertTrue("Headroom 0.98" in told, told)
        val chart = card.findViewById<LineChart>(R.id.sustained_chart)
        assertEquals(told, chart.contentDescription)
        assertEquals(listOf(0f, 1 / 3f, 2 / 3f), chart.data.bands.map { it.level })
        screenshot(card, "sustained")
    }

    @Test
    fun `a phone that does not say how hot it is has no bands`() {
        val figures = SubjectFigures("dispatcher onnx").apply { sustainedFor(5_000_000_000, 1_000_000, 2_000_000, null, null, null) }
        val card = show(figures)
        assertTrue("this phone does not say" in card.text(R.id.sustained_figures))
        assertEquals(
            0,
            card
                .findViewById<LineChart>(R.id.sustained_chart)
                .data.bands.size,
        )
    }
}

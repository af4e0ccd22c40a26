package io.github.mvmoe.demo.experts

import android.view.ViewGroup
import android.view.accessibility.AccessibilityNodeInfo
import android.widget.ListView
import android.widget.SeekBar
import android.widget.Switch
import android.widget.TextView
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.LoadState
import io.github.mvmoe.Pin
import io.github.mvmoe.demo.DemoApplication
import io.github.mvmoe.demo.MainActivity
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.testing.await
import io.github.mvmoe.demo.testing.requireDemoBundle
import io.github.mvmoe.demo.testing.screenshot
import io.github.mvmoe.demo.testing.view
import io.github.mvmoe.demo.views.ExpertsMap
import io.github.mvmoe.demo.views.TabBar
import org.junit.After
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "w411dp-h891dp-xhdpi")
class ExpertsScreenTest {
    private lateinit var controller: ActivityController<MainActivity>
    private val activity: MainActivity get() = controller.get()
    private val application get() = RuntimeEnvironment.getApplication() as DemoApplication
    private val dispatcher: Dispatcher get() = assertNotNull(application.models.state.value.model).routed
    private val list: ListView get() = activity.view(R.id.experts)

    @Before
    fun open() {
        requireDemoBundle()
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        await("the bundle is open") { application.models.state.value.model != null }
        activity.view<TabBar>(R.id.tabs).getChildAt(1).performClick()
        await("the experts are listed") { activity.findViewById<ListView>(R.id.experts)?.let { it.childCount > 2 } == true }
    }

    @After
    fun close() {
        if (!::controller.isInitialized) return
        controller.pause().stop().destroy()
        application.models.state.value.model
            ?.close()
    }

    /** The row of an expert; before it there is the header. */
    private fun row(number: Int): ViewGroup = list.getChildAt(1 + number) as ViewGroup

    private fun summary(): String = activity.view<TextView>(R.id.experts_summary).text.toString()

    private fun load() {
        activity.view<TextView>(R.id.experts_load).performClick()
        await("all experts are in memory") {
            dispatcher.loadStates.value.values
                .all { it == LoadState.READY }
        }
    }

    @Test
    fun `a click on the switch of an expert pins it, and another one no longer does`() {
        val expert = assertNotNull(application.models.state.value.model).experts.experts[2]
        row(2).findViewById<Switch>(R.id.expert_pin).performClick()
        await("the dispatcher has the pin") { dispatcher.residency.pin == listOf(Pin.graph(expert.key)) }
        await("the row says so") { row(2).findViewById<Switch>(R.id.expert_pin).isChecked }
        row(2).findViewById<Switch>(R.id.expert_pin).performClick()
        await("the pin is gone") { dispatcher.residency.pin.isEmpty() }
    }

    @Test
    fun `the slider of experts releases what is over the limit at once`() {
        load()
        val count = dispatcher.loadStates.value.size
        val slider = activity.view<SeekBar>(R.id.experts_most)
        assertEquals(slider.max, slider.progress, "there is no limit at the beginning")
        slide(slider, 0)
        await("one expert is left") { dispatcher.residency.maxExperts == 1 && dispatcher.resident.size == 1 }
        await("the screen says so") { summary().startsWith("1 of $count") }
        await("the log says so") { "released" in activity.view<TextView>(R.id.experts_events).text }
    }

    @Test
    fun `the slider of bytes has room for one expert more at each place`() {
        val largest =
            dispatcher.target.graphs
                .filter { it.route != null }
                .maxOf { it.weightBytes }
        slide(activity.view(R.id.experts_bytes), 0)
        await("the dispatcher has the limit") { dispatcher.residency.maxBytes == largest }
    }

    @Test
    fun `a row says what an expert costs and how long its load took`() {
        load()
        await("the load was timed") { "in memory, last loaded in" in row(0).findViewById<TextView>(R.id.expert_state).text }
        assertTrue("of which" in row(0).findViewById<TextView>(R.id.expert_cost).text)
        assertEquals("Pin Expert 0", row(0).findViewById<Switch>(R.id.expert_pin).contentDescription)
        assertTrue("In memory: Expert 0, Expert 1" in activity.view<ExpertsMap>(R.id.experts_map).contentDescription)
        val log = activity.view<TextView>(R.id.experts_events).text.lines()
        assertEquals(dispatcher.loadStates.value.size, log.count { "loaded in" in it })
    }

    @Test
    fun `release leaves what is pinned`() {
        load()
        row(1).findViewById<Switch>(R.id.expert_pin).performClick()
        await("the dispatcher has the pin") { dispatcher.residency.pin.isNotEmpty() }
        activity.view<TextView>(R.id.experts_release).performClick()
        await("one is left") { dispatcher.resident.size == 1 }
        assertEquals(Pin.graph(dispatcher.resident.single()), dispatcher.residency.pin.single())
    }

    @Test
    fun `a phone that is turned shows the same pins and the same log`() {
        load()
        row(0).findViewById<Switch>(R.id.expert_pin).performClick()
        await("the dispatcher has the pin") { dispatcher.residency.pin.isNotEmpty() }
        val log = activity.view<TextView>(R.id.experts_events).text.toString()
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange().visible()
        await("the experts are listed again") { activity.findViewById<ListView>(R.id.experts)?.let { it.childCount > 0 } == true }
        list.setSelection(list.count - 1)
        await("the log is the same") { activity.findViewById<TextView>(R.id.experts_events)?.text?.toString() == log }
        list.setSelection(0)
        await("the pin is on the screen") { "Pinned: Expert 0." in activity.view<ExpertsMap>(R.id.experts_map).contentDescription }
        screenshot(activity, "experts-land")
    }

    @Test
    fun `what it looks like`() {
        load()
        row(1).findViewById<Switch>(R.id.expert_pin).performClick()
        slide(activity.view(R.id.experts_most), 1)
        await("two are left") { dispatcher.resident.size == 2 && summary().startsWith("2 of") }
        screenshot(activity, "experts")
    }

    @Test
    @Config(qualifiers = "w411dp-h891dp-night-xhdpi")
    fun `what it looks like in the dark`() {
        load()
        row(1).findViewById<Switch>(R.id.expert_pin).performClick()
        slide(activity.view(R.id.experts_most), 1)
        await("two are left") { dispatcher.resident.size == 2 && summary().startsWith("2 of") }
        screenshot(activity, "experts-night")
    }

    /** As TalkBack moves a slider. */
    private fun slide(
        slider: SeekBar,
        place: Int,
    ) {
        val steps = slider.max - place
        repeat(slider.max) { slider.performAccessibilityAction(AccessibilityNodeInfo.ACTION_SCROLL_FORWARD, null) }
        repeat(steps) { slider.performAccessibilityAction(AccessibilityNodeInfo.ACTION_SCROLL_BACKWARD, null) }
        assertEquals(place, slider.progress)
    }
}

package io.github.mvmoe.demo.bench

import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.net.Uri
import android.provider.OpenableColumns
import android.view.ViewGroup
import android.widget.Button
import android.widget.CheckBox
import android.widget.TextView
import io.github.mvmoe.bench.OwnRunSettings
import io.github.mvmoe.demo.DemoApplication
import io.github.mvmoe.demo.MainActivity
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.testing.await
import io.github.mvmoe.demo.testing.requireDemoBundle
import io.github.mvmoe.demo.testing.screenshot
import io.github.mvmoe.demo.testing.view
import io.github.mvmoe.demo.views.LineChart
import io.github.mvmoe.demo.views.SeriesStyle
import io.github.mvmoe.demo.views.TabBar
import org.json.JSONObject
import org.junit.After
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "w411dp-h1600dp-xhdpi")
class BenchScreenTest {
    private lateinit var controller: ActivityController<MainActivity>
    private val activity: MainActivity get() = controller.get()
    private val application get() = RuntimeEnvironment.getApplication() as DemoApplication
    private val bench: BenchModel get() = application.bench.model

    @Before
    fun open() {
        requireDemoBundle()
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        await("the bundle is open") { application.models.state.value.model != null }
        activity.view<TabBar>(R.id.tabs).getChildAt(2).performClick()
        await("the options are listed") { options().isNotEmpty() }
    }

    @After
    fun close() {
        if (!::controller.isInitialized) return
        bench.cancel()
        await("no run goes on") { !bench.snapshots.value.isRunning }
        controller.pause().stop().destroy()
        application.models.state.value.model
            ?.close()
    }

    private fun options(): List<CheckBox> {
        val list = activity.findViewById<ViewGroup>(R.id.bench_options) ?: return emptyList()
        return List(list.childCount) { list.getChildAt(it).findViewById<CheckBox>(R.id.option_box) }
    }

    private fun text(id: Int): String = activity.view<TextView>(id).text.toString()

    /** As the buttons do, with less of everything. */
    private fun measure(
        sustainedSeconds: Double = 0.0,
        repeats: Int = 1,
    ) {
        val model = assertNotNull(application.models.state.value.model)
        val subjects = BenchOption.of(model.routed.bundle, application.bench.engines.ways).filter { it.missing == null }.map { it.subject }
        val settings =
            OwnRunSettings(
                threads = 1,
                repeats = repeats,
                rounds = 8,
                mostSeconds = 1.0,
                memory = true,
                sustainedSeconds = sustainedSeconds,
            )
        bench.start(model.folder, subjects, settings)
    }

    private fun lines(): List<JSONObject> {
        val uri = ResultsProvider.uri(activity, assertNotNull(bench.snapshots.value.file))
        val text = assertNotNull(activity.contentResolver.openInputStream(uri)).use { it.readBytes().decodeToString() }
        return text.trim().lines().map(::JSONObject)
    }

    @Test
    fun `what the build lacks cannot be ticked, and the screen says why`() {
        val boxes = options()
        assertEquals(6, boxes.size, "two targets in three ways")
        assertEquals(listOf(true, false, false), boxes.take(3).map { it.isEnabled })
        val why = activity.view<ViewGroup>(R.id.bench_options).getChildAt(1).findViewById<TextView>(R.id.option_missing)
        assertEquals("This build of the app has no XNNPACK.", why.text.toString())
        assertEquals("Measure the target onnx on CPU (ONNX Runtime 1.29.0)", boxes.first().contentDescription)
    }

    @Test
    fun `with nothing ticked there is nothing to start`() {
        assertTrue(activity.view<Button>(R.id.bench_start).isEnabled)
        options().filter { it.isEnabled }.forEach { it.performClick() }
        assertFalse(activity.view<Button>(R.id.bench_start).isEnabled)
    }

    @Test
    fun `a click measures, and the file is read back through the provider`() {
        options().filter { it.isEnabled }.drop(1).forEach { it.performClick() }
        activity.view<Button>(R.id.bench_start).performClick()
        await("no second run can be started") { !activity.view<Button>(R.id.bench_start).isEnabled }
        await("the run is done", seconds = 120) { bench.snapshots.value.phase == BenchPhase.DONE }
        await("the screen says so") { "Done" in text(R.id.bench_state) }
        val lines = lines()
        assertEquals("mvmoe-bench", lines.first().getString("schema"))
        assertEquals(
            "digits",
            lines
                .first()
                .getJSONArray("bundles")
                .getJSONObject(0)
                .getString("name"),
        )
        val samples = lines.filter { it.getString("kind") == "sample" }
        assertEquals(setOf("dispatcher onnx"), samples.map { it.getString("subject") }.toSet())
        val subject =
            bench.snapshots.value.subjects
                .single()
        assertEquals(samples.size, subject.answers)
        val times = samples.map { it.getLong("ns") }.sorted()
        assertEquals((times[(times.size - 1) / 2] + times[times.size / 2]) / 2, subject.medianNs)
        assertTrue("of ${samples.size} answers" in activity.view<LineChart>(R.id.bench_chart).contentDescription)
    }

    @Test
    fun `sharing gives the file, and the right to read it alone`() {
        measure()
        await("the run is done", seconds = 120) { bench.snapshots.value.phase == BenchPhase.DONE }
        await("it can be shared") { activity.view<Button>(R.id.bench_share).isEnabled }
        activity.view<Button>(R.id.bench_share).performClick()
        val chooser = shadowOf(activity).nextStartedActivity
        val intent = assertNotNull(chooser.getParcelableExtra(Intent.EXTRA_INTENT, Intent::class.java))
        assertEquals(Intent.ACTION_SEND, intent.action)
        assertEquals(Intent.FLAG_GRANT_READ_URI_PERMISSION, intent.flags)
        val uri = assertNotNull(intent.getParcelableExtra(Intent.EXTRA_STREAM, Uri::class.java))
        assertEquals(uri, intent.clipData?.getItemAt(0)?.uri)
        activity.contentResolver.query(uri, null, null, null, null).use {
            assertTrue(assertNotNull(it).moveToFirst())
            assertEquals(
                bench.snapshots.value.file
                    ?.name,
                it.getString(it.getColumnIndexOrThrow(OpenableColumns.DISPLAY_NAME)),
            )
        }
    }

    @Test
    fun `a cancelled run keeps what was measured`() {
        measure(sustainedSeconds = 3600.0)
        await("it answers without a pause") {
            bench.snapshots.value.step
                ?.job == "sustained"
        }
        activity.view<Button>(R.id.bench_cancel).performClick()
        await("it has ended") { bench.snapshots.value.phase == BenchPhase.CANCELLED }
        assertTrue(lines().any { it.getString("kind") == "sample" })
        assertTrue("Cancelled" in text(R.id.bench_state))
    }

    @Test
    fun `a phone that is turned shows the run that goes on`() {
        options().first().performClick()
        measure(sustainedSeconds = 3600.0)
        await("it answers without a pause") {
            bench.snapshots.value.step
                ?.job == "sustained"
        }
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange().visible()
        await("the screen is back") { options().isNotEmpty() }
        await("it says what is measured") { "answers without a pause" in text(R.id.bench_state) }
        assertFalse(options().first().isChecked)
        assertFalse(options().first().isEnabled, "nothing is chosen while a run goes on")
        assertEquals(BenchPhase.RUNNING, bench.snapshots.value.phase)
    }

    @Test
    fun `a file says that the app was in the background`() {
        measure(sustainedSeconds = 4.0)
        await("it answers without a pause") {
            bench.snapshots.value.step
                ?.job == "sustained"
        }
        controller.pause().stop()
        Thread.sleep(2500)
        controller.start().resume()
        await("the run is done", seconds = 120) { bench.snapshots.value.phase == BenchPhase.DONE }
        val note = lines().last()
        assertEquals(listOf("failure", "background"), listOf(note.getString("kind"), note.getString("job")))
        assertTrue("in the background" in note.getString("message"), note.getString("message"))
        await("the screen says it, too") { "in the background" in text(R.id.bench_warning) }
    }

    @Test
    fun `curves are drawn, by day and by night`() {
        measure(repeats = 2)
        await("the run is done", seconds = 120) { bench.snapshots.value.phase == BenchPhase.DONE }
        look("bench")
        RuntimeEnvironment.setQualifiers("+night")
        controller.configurationChange().visible()
        look("bench-night")
    }

    private fun look(name: String) {
        await("the screen says so") { options().isNotEmpty() && "Done" in text(R.id.bench_state) }
        screenshot(activity, name)
        val chart = activity.view<LineChart>(R.id.bench_chart)
        val picture = Bitmap.createBitmap(chart.width, chart.height, Bitmap.Config.ARGB_8888).also { chart.draw(Canvas(it)) }
        val color = SeriesStyle(activity).color(0)
        val pixels =
            IntArray(
                picture.width * picture.height,
            ).also { picture.getPixels(it, 0, picture.width, 0, 0, picture.width, picture.height) }
        assertTrue(pixels.count { it == color } > 100, "the first subject's curve is not drawn")
    }
}

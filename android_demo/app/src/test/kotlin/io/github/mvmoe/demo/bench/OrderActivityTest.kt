package io.github.mvmoe.demo.bench

import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.testing.await
import io.github.mvmoe.demo.testing.requireDemoBundle
import io.github.mvmoe.demo.testing.view
import org.json.JSONArray
import org.json.JSONObject
import org.junit.After
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.android.controller.ActivityController
import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class OrderActivityTest {
    private val context: Context get() = RuntimeEnvironment.getApplication()
    private val root = File(context.cacheDir, "pushed").apply { mkdirs() }
    private lateinit var controller: ActivityController<OrderActivity>

    @After
    fun close() {
        if (::controller.isInitialized) controller.pause().stop().destroy()
        root.deleteRecursively()
    }

    /** As `am start` with these extras. */
    private fun start(vararg extras: Pair<String, String>) {
        val intent = Intent(context, OrderActivity::class.java)
        extras.forEach { (name, value) -> intent.putExtra(name, value) }
        controller = Robolectric.buildActivity(OrderActivity::class.java, intent).setup()
    }

    private fun answer(
        name: String,
        file: String,
    ) = File(context.filesDir, "bench/$name/$file")

    private fun state(name: String): JSONObject? = answer(name, "state.json").takeIf { it.exists() }?.let { JSONObject(it.readText()) }

    private fun awaitEnd(name: String): JSONObject {
        await("the order $name has ended") { state(name)?.getString("state").let { it == "done" || it == "failed" } }
        return state(name)!!
    }

    private fun shown(): String =
        controller
            .get()
            .view<TextView>(R.id.order_state)
            .text
            .toString()

    @Test
    fun `an order is followed, with lines and a state`() {
        val bundle = requireDemoBundle()
        start("order" to order(bundle).path, "name" to "job-1")
        val state = awaitEnd("job-1")
        assertEquals("done", state.getString("state"), "$state")
        val lines = answer("job-1", "lines.jsonl").readLines().map(::JSONObject)
        assertEquals(2, lines.count { it.getString("kind") == "answer" }, "$lines")
        assertEquals(setOf("dispatcher onnx"), lines.filter { it.has("subject") }.map { it.getString("subject") }.toSet())
        await("the screen says so") { "Done" in shown() }
        val described = JSONObject(answer("job-1", "describe.json").readText())
        assertEquals("CPU", described.getJSONObject("engines").getJSONObject("onnx").getString("provider"))
    }

    @Test
    fun `a path that cannot be read is in the state`() {
        start("order" to "/data/local/tmp/mvmoe-bench/nothing.json", "name" to "job-2")
        val state = awaitEnd("job-2")
        assertEquals(listOf("failed", "bench.unreadable"), listOf(state.getString("state"), state.getString("code")))
        assertTrue("nothing.json cannot be read" in state.getString("message"), "$state")
        await("the screen says so") { "Failed" in shown() }
    }

    @Test
    fun `images that cannot be read are in the state, too`() {
        val bundle = requireDemoBundle()
        val order = order(bundle).apply { writeText(readText().replace("images.npy", "gone.npy")) }
        start("order" to order.path, "name" to "job-3")
        assertEquals("bench.unreadable", awaitEnd("job-3").getString("code"))
    }

    @Test
    fun `an order that is none is refused`() {
        start("order" to File(root, "order.json").apply { writeText("[]") }.path, "name" to "job-4")
        assertEquals("failed", awaitEnd("job-4").getString("state"))
    }

    @Test
    fun `a phone describes itself without an order`() {
        start("describe" to "true", "name" to "phone")
        await("it has") { "Done" in shown() }
        val described = JSONObject(answer("phone", "describe.json").readText())
        assertEquals("1.29.0", described.getJSONObject("packages").getString("onnxruntime"))
        assertTrue("Android 14" in described.getJSONObject("identity").getString("os"))
        assertFalse(answer("phone", "state.json").exists())
    }

    @Test
    fun `a name that leads out of the folder is refused`() {
        start("describe" to "true", "name" to "../results")
        assertTrue("No order was named" in shown())
        assertFalse(File(context.filesDir, "results/describe.json").exists())
    }

    @Test
    fun `a second order waits for nobody and is refused while one is followed`() {
        val bundle = requireDemoBundle()
        start("order" to order(bundle).path, "name" to "job-5")
        controller.newIntent(Intent().putExtra("describe", "true").putExtra("name", "other"))
        await("the screen says so") { "Another order" in shown() }
        assertEquals("done", awaitEnd("job-5").getString("state"))
        assertFalse(answer("other", "describe.json").exists())
    }

    @Test
    fun `only a shell may start it`() {
        val info =
            context.packageManager.getActivityInfo(
                android.content.ComponentName(context, OrderActivity::class.java),
                PackageManager.GET_META_DATA,
            )
        assertEquals("android.permission.DUMP", info.permission)
    }

    /** What is pushed to the phone: the golden images, and an order for them. */
    private fun order(bundle: File): File {
        val images = File(root, "images.npy").apply { writeBytes(npy(2)) }
        val subject =
            JSONObject()
                .put("key", "dispatcher onnx")
                .put("kind", "dispatcher")
                .put("root", bundle.path)
                .put("target", "onnx")
                .put("output_kinds", JSONObject().put("answer", "logits"))
                .put("class_output", "answer")
                .put("engine_options", JSONObject())
                .put("requested", JSONObject().put("engine", "ONNX Runtime").put("provider", "CPU"))
                .put("threads", 1)
                .put("queries", JSONArray((0..1).map { JSONObject().put("image", it) }))
        val preset =
            JSONObject(
                """{"name":"quick","repeats":1,"queries":2,"seconds":0.0,"most_seconds":1.0,"warmup":0,"starts":0,"stream":0,"cooldown":0.0}""",
            )
        val order =
            JSONObject()
                .put("job", "answers")
                .put("kind", "answers")
                .put("repeat", 0)
                .put("preset", preset)
                .put("images", images.path)
                .put("names", JSONArray(listOf("a", "b")))
                .put("labels", JSONArray(listOf("0", "1")))
                .put("subjects", JSONArray(listOf(subject)))
        return File(root, "order.json").apply { writeText(order.toString()) }
    }

    /** Grey images `[count, 1, 8, 8]`, as NumPy saves them. */
    private fun npy(count: Int): ByteArray {
        val header = "{'descr': '<f4', 'fortran_order': False, 'shape': ($count, 1, 8, 8), }".padEnd(117) + "\n"
        val bytes = ByteArrayOutputStream()
        bytes.write(byteArrayOf(0x93.toByte()) + "NUMPY".toByteArray() + byteArrayOf(1, 0, header.length.toByte(), 0))
        bytes.write(header.toByteArray())
        val numbers = ByteBuffer.allocate(4 * count * 64).order(ByteOrder.LITTLE_ENDIAN)
        repeat(count * 64) { numbers.putFloat((it % 17) / 16f) }
        bytes.write(numbers.array())
        return bytes.toByteArray()
    }
}

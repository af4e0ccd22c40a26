package io.github.mvmoe.bench

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.concurrent.thread
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

class OrderFolderTest {
    @TempDir
    private lateinit var directory: File

    private val folder get() = File(directory, "bench")
    private val orders get() = OrderFolder(folder, TestMachine, testEngines)

    @Test
    fun `an order leaves its lines and says that it is done`() {
        assertTrue(orders.follow(order(orderText(images().path))))
        val kinds = lines().map { it["kind"] }
        assertEquals(listOf("opened") + List(4) { "sample" } + "timed", kinds)
        val timed = lines().last()
        assertEquals(listOf("sample", "2", "light", "0.5"), listOf("of", "warmup", "thermal", "headroom").map(timed::get))
        val answers = lines().filter { it["kind"] == "sample" }.sumOf { it.getValue("ns").orEmpty().toLong() }
        assertTrue(timed.getValue("wall_ns").orEmpty().toLong() > answers, "$timed")
        assertEquals(mapOf("state" to "done", "subject" to null, "message" to null, "code" to null), state() - "beat")
        assertEquals(listOf("lines.jsonl", "state.json", "status"), folder.list().orEmpty().sorted())
    }

    @Test
    fun `while it is at work it says at whom, and goes on to say that it is alive`() {
        val given = order(orderText(images().path, kind = "sustained", sustained = 4.0, keys = listOf("one")))
        val following = orders
        val work = thread { following.follow(given) }
        val beats = HashSet<Int>()
        val subjects = HashSet<String?>()
        while (work.isAlive) {
            Thread.sleep(50)
            val state = runCatching { state() }.getOrNull() ?: continue
            if (state["state"] != "running") continue
            beats += state.getValue("beat").orEmpty().toInt()
            subjects += state["subject"]
        }
        assertTrue(beats.size >= 3, "$beats")
        assertContains(subjects, "one")
        assertEquals(1, File(folder, "status").readBytes().single())
    }

    @Test
    fun `the job sustained tells of its seconds how many answers they had, and how hot the device was`() {
        assertTrue(orders.follow(order(orderText(images().path, kind = "sustained", sustained = 0.3))))
        val (line, timed) = lines()
        assertEquals(listOf("sustained", "timed"), listOf(line["kind"], timed["kind"]))
        assertEquals(listOf("sustained", "1", "light"), listOf("of", "warmup", "thermal").map(timed::get))
        assertEquals(listOf("light", "0.5", "1500"), listOf("thermal", "headroom", "pss").map(line::get))
        val (at, median, slowest) = listOf("at_ns", "median_ns", "slowest_ns").map { line.getValue(it).orEmpty().toLong() }
        assertTrue(at >= 300_000_000 && median in 1..slowest && slowest <= at, "$line")
        assertTrue(line.getValue("answers").orEmpty().toLong() * median <= 2 * at, "$line")
    }

    @Test
    fun `the job paced answers this repeat's frames after a warm-up`() {
        val paced = """, "paced": 0.2, "rate": 50.0"""
        assertTrue(orders.follow(order(orderText(images().path, kind = "paced", paced = paced))))
        val frames = lines().filter { it["kind"] == "paced" }
        // A machine that is busy may be late for some of the ten.
        val numbers = frames.map { it.getValue("frame").orEmpty().toInt() }
        assertTrue(numbers.isNotEmpty() && numbers == numbers.distinct().sorted() && numbers.last() < 10, "$numbers")
        for (line in frames) {
            val (late, spent) = listOf("late_ns", "ns").map { line.getValue(it).orEmpty().toLong() }
            assertTrue(late >= 0 && spent > 0, "$line")
        }
        val timed = lines().last()
        assertEquals(listOf("timed", "paced", "2", "light"), listOf("kind", "of", "warmup", "thermal").map(timed::get))
        assertTrue(timed.getValue("wall_ns").orEmpty().toLong() >= 200_000_000, "$timed")
    }

    @Test
    fun `a cancelled wait for a frame ends, and is no run that came to its end`() {
        val following = orders
        val paced = """, "paced": 600.0, "rate": 0.1"""
        val given = order(orderText(images().path, kind = "paced", paced = paced))
        val work = thread { assertTrue(following.follow(given)) }
        Thread.sleep(1500)
        following.cancel()
        work.join(20_000)
        assertFalse(work.isAlive)
        assertEquals("done", state()["state"])
        assertFalse(lines().any { it["kind"] == "timed" })
    }

    @Test
    fun `a cancelled order keeps what it has measured`() {
        val following = orders
        val given = order(orderText(images().path, kind = "sustained", sustained = 600.0))
        val work = thread { assertTrue(following.follow(given)) }
        Thread.sleep(1500)
        following.cancel()
        work.join(20_000)
        assertFalse(work.isAlive)
        assertEquals("done", state()["state"])
        assertEquals(listOf<String?>("sustained"), lines().map { it["kind"] })
    }

    @Test
    fun `a file that it cannot read has a code of its own`() {
        assertFalse(orders.follow(order(orderText("/nowhere/images.npy"))))
        assertEquals("bench.unreadable", state()["code"])
        assertContains(state()["message"].orEmpty(), "/nowhere/images.npy cannot be read")
        assertEquals("", File(folder, "lines.jsonl").readText())
    }

    @Test
    fun `another order than that of mvmoe bench fails in a sentence`() {
        assertFalse(orders.follow(order("{}")))
        assertEquals("failed", state()["state"])
        assertEquals("input.invalid", state()["code"])
        assertContains(state()["message"].orEmpty(), "$ lacks the field job")
    }

    @Test
    fun `a subject that fails is a line, and the others go on`() {
        val text = orderText(images().path, keys = listOf("one", "two")).replaceFirst("\"target\": \"onnx\"", "\"target\": \"other\"")
        assertTrue(orders.follow(order(text)))
        val failure = lines().single { it["kind"] == "failure" }
        assertEquals(listOf("one", "bundle.no-target"), listOf(failure["subject"], failure["code"]))
        assertEquals(setOf<String?>("two"), lines().filter { it["kind"] == "sample" }.map { it["subject"] }.toSet())
    }

    @Test
    fun `a state that has no room beside the one before is written over it`() {
        File(folder, "state.json.part").mkdirs()
        assertFalse(orders.follow(order("{}")))
        assertEquals("failed", state()["state"])
    }

    @Test
    fun `it describes the device by format and variant`() {
        val variants =
            listOf(
                EngineVariant("onnx", "Engine 1", "CPU"),
                EngineVariant(
                    "onnx",
                    "Engine 1",
                    "NNAPI",
                    mapOf("provider" to "nnapi"),
                    "NNAPI",
                ),
            )
        orders.describe(DeviceDescription("android", "ART", "arm64-v8a", variants, mapOf("engine" to "1")))
        val text = File(folder, "describe.json").readText()
        assertContains(text, """"engines":{"onnx":{"engine":"Engine 1","provider":"CPU"}}""")
        assertContains(
            text,
            """{"requested":{"engine":"Engine 1","provider":"NNAPI"},"engine_options":{"provider":"nnapi"},"label":"NNAPI"}""",
        )
        assertEquals("arm64-v8a", plain(text)["abi"])
        assertNull(File(folder, "describe.json.part").takeIf(File::exists))
    }

    private fun images() = images(directory, 2, listOf(3, 8, 8))

    private fun order(text: String) = File(directory, "order.json").apply { writeText(text) }

    private fun lines() = File(folder, "lines.jsonl").readLines().map(::plain)

    private fun state() = plain(File(folder, "state.json").readText())
}

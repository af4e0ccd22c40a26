package io.github.mvmoe.bench

import io.github.mvmoe.InputException
import org.junit.jupiter.api.Test
import java.io.ByteArrayOutputStream
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class OwnRunTest {
    private val right = OwnSubject("onnx", EngineVariant("onnx", "ONNX Runtime", "CPU"))
    private val wrong = OwnSubject("onnx", EngineVariant("onnx", "ONNX Runtime", "NPU", mapOf("wrong" to "yes"), "NPU"))
    private val device = DeviceDescription("android", "ART", "arm64-v8a", listOf(right.variant, wrong.variant), mapOf("engine" to "1"))
    private val short = OwnRunSettings(threads = 1, repeats = 2, rounds = 3, memory = true, sustainedSeconds = 0.2)
    private val events = ArrayList<BenchEvent>()

    @Test
    fun `what was asked for is measured, job by job`() {
        val lines = lines(right)
        val done = lines.filter { it["kind"] == "done" }.map { it["job"] }
        val key = "dispatcher onnx"
        val jobs =
            listOf("answers", "answers judged", "placement:$key:0", "memory:$key:0", "latency:0", "latency:1", "sustained:$key:0", "run")
        assertEquals<List<String?>>(jobs, done)
        assertEquals("run", lines.first()["kind"])
        assertEquals(2 * short.rounds, lines.count { it["kind"] == "sample" })
        assertEquals(null, lines.single { it["kind"] == "memory" }["peak_rss"])
    }

    @Test
    fun `an engine that fails the golden vectors is refused with its figures, and the other is measured`() {
        val lines = lines(wrong, right)
        val failure = lines.single { it["kind"] == "failure" }
        assertEquals(listOf(wrong.key, "check.engine"), listOf(failure["subject"], failure["code"]))
        assertContains(failure.getValue("message").orEmpty(), Regex("does not answer as the bundle's golden vectors: .* \\(bound .*\\)"))
        assertEquals(
            setOf<String?>(right.key),
            lines.filter { it["kind"] in setOf("sample", "memory", "sustained") }.map { it["subject"] }.toSet(),
        )
        assertEquals(listOf(false, true), events.filterIsInstance<BenchEvent.Checked>().map { it.check.ok })
        assertEquals(listOf(wrong.key), events.filterIsInstance<BenchEvent.Failed>().map { it.subject })
    }

    @Test
    fun `whoever watches is told of every step and every figure`() {
        lines(right)
        val steps = events.filterIsInstance<BenchEvent.Step>()
        assertEquals(List(6) { it + 1 to 6 }, steps.map { it.number to it.steps })
        assertEquals(listOf("answers", "placement", "memory", "latency", "latency", "sustained"), steps.map { it.job })
        assertEquals(2 * short.rounds, events.filterIsInstance<BenchEvent.Answered>().size)
        assertEquals(1500, events.filterIsInstance<BenchEvent.MemoryHeld>().single().peakPss)
        assertEquals(
            "light",
            events
                .filterIsInstance<BenchEvent.SustainedFor>()
                .single()
                .thermal
                ?.status,
        )
    }

    @Test
    fun `an engine that fails to say where it runs a graph is measured all the same`() {
        val unplaced = OwnSubject("onnx", EngineVariant("onnx", "ONNX Runtime", "CPU", mapOf("unplaced" to "yes")))
        val lines = lines(unplaced)
        val failure = lines.single { it["kind"] == "failure" }
        assertEquals(null, failure["subject"])
        assertEquals("${unplaced.key}: IOException: no room for a profile", failure["message"])
        assertEquals(2 * short.rounds, lines.count { it["kind"] == "sample" })
    }

    @Test
    fun `a cancelled run keeps what it has measured, and is not done`() {
        val out = ByteArrayOutputStream()
        val run = OwnRun(BUNDLE, listOf(right), device, TestMachine, testEngines, short)
        assertFalse(run.run(out) { if (it is BenchEvent.MemoryHeld) run.cancel() })
        val lines =
            out
                .toString("UTF-8")
                .lines()
                .filter(String::isNotEmpty)
                .map(::plain)
        assertTrue(lines.any { it["kind"] == "memory" })
        assertFalse(lines.any { it["kind"] == "sample" || (it["kind"] == "done" && it["job"] == "run") })
    }

    @Test
    fun `subjects have to differ`() {
        val error = assertFailsWith<InputException> { OwnRun(BUNDLE, listOf(right, right), device, TestMachine, testEngines) }
        assertContains(error.message.orEmpty(), "two subjects of the key dispatcher onnx")
        assertFailsWith<InputException> { OwnRun(BUNDLE, emptyList(), device, TestMachine, testEngines) }
    }

    @Test
    fun `settings have to make sense`() {
        assertContains(assertFailsWith<InputException> { OwnRunSettings(repeats = 0) }.message.orEmpty(), "repeats 0")
        assertFailsWith<InputException> { OwnRunSettings(sustainedSeconds = Double.NaN) }
    }

    private fun lines(vararg subjects: OwnSubject): List<Map<String, String?>> {
        val out = ByteArrayOutputStream()
        assertTrue(OwnRun(BUNDLE, subjects.toList(), device, TestMachine, testEngines, short).run(out, events::add))
        return out
            .toString("UTF-8")
            .lines()
            .filter(String::isNotEmpty)
            .map(::plain)
    }
}

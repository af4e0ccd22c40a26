package io.github.mvmoe.runner.soak

import io.github.mvmoe.Residency
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.onnx.OnnxEngine
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import java.io.File
import java.util.concurrent.TimeUnit
import kotlin.test.assertContains
import kotlin.test.assertEquals

private fun bundle(name: String) = File(System.getProperty("mvmoe.repository"), "tests/conformance/answers/bundles/$name")

/** An engine that never closes a graph. */
private class Leaking(
    private val engine: Engine,
) : Engine by engine {
    override fun open(
        root: File,
        target: Target,
    ): Runner {
        val runner = engine.open(root, target)
        return object : Runner by runner {
            override fun load(graph: Graph): LoadedGraph {
                val loaded = runner.load(graph)
                return object : LoadedGraph by loaded {
                    override fun close() {}
                }
            }
        }
    }
}

class SoakTest {
    /** In a process of its own: the tests' own objects, and what they compile, are no part of it. */
    @ParameterizedTest
    @CsvSource("dispatch, 3000", "experts, 1000", "bind, 3000")
    fun `thousands of loads, or of changes of weights, with one expert in memory leave nothing`(
        name: String,
        answers: Int,
    ) {
        val (exitCode, lines) = soakInProcess(name, answers)
        assertEquals("""{"leaks":[]}""", lines.last(), lines.joinToString("\n"))
        assertEquals(0, exitCode)
        assertEquals(6 + 1 + 1, lines.size)
    }

    @Test
    fun `an engine that forgets to close graphs is found`() {
        val engine = OnnxEngine(threads = 1)
        val leaks = Soak(Leaking(engine), engine, Residency(maxExperts = 1)).run(bundle("dispatch"), answers = 60, every = 10) {}
        val found = leaks.joinToString("\n")
        assertContains(found, Regex("sessions: \\d+ after 30 answers, \\d+ after 60"))
        assertContains(found, Regex("sessions: \\d+ after closing"))
    }

    @Test
    fun `memory, files and threads that grow are found, each by its name`() {
        val before = Look(1, 0.0, 2, 6, 13, 6_000, 1, 20, 14, 5L shl 20, 100L shl 20, 200L shl 20)
        val closed = before.copy(sessions = 0, tensors = 0)
        val grown =
            before.copy(
                answers = 2,
                directBuffers = 14,
                directBytes = 6_001,
                mappedBuffers = 2,
                openFiles = 21,
                threads = 15,
                heapBytes = before.heapBytes + Leaks.TOLERATED_BYTES + 1,
                anonymousBytes = before.anonymousBytes + Leaks.TOLERATED_BYTES + 1,
            )
        assertEquals(emptyList(), Leaks.of(listOf(before, before.copy(answers = 2), closed)))
        assertEquals(7, Leaks.of(listOf(before, grown, closed)).size)
    }

    private fun soakInProcess(
        name: String,
        answers: Int,
    ): Pair<Int, List<String>> {
        val java = File(System.getProperty("java.home"), "bin/java").path
        val classPath = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        // The second compiler takes tens of megabytes at a time, for longer than a test lasts; the first is done after 1,500 answers.
        val jvm = listOf(java, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classPath)
        val command =
            listOf("io.github.mvmoe.runner.MainKt", "soak", bundle(name).path, "--answers", "$answers", "--every", "${answers / 6}")
        val output = File.createTempFile("soak", ".txt")
        val process = ProcessBuilder(jvm + command).redirectErrorStream(true).redirectOutput(output).start()
        check(process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) { process.destroyForcibly() }
        return process.exitValue() to output.readLines().also { output.delete() }
    }

    private companion object {
        const val MOST_SECONDS = 300L
    }
}

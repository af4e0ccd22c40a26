package io.github.mvmoe.demo.bench

import io.github.mvmoe.bench.DeviceDescription
import io.github.mvmoe.bench.EngineVariant
import io.github.mvmoe.bench.Held
import io.github.mvmoe.bench.Machine
import io.github.mvmoe.bench.OwnRunSettings
import io.github.mvmoe.bench.OwnSubject
import io.github.mvmoe.bench.Thermal
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.demo.testing.requireDemoBundle
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.onnx.OnnxEngine
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Test
import java.io.File
import java.nio.file.Files
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

class BenchModelTest {
    private val folder = Files.createTempDirectory("results").toFile()
    private val results = ResultsFolder(folder)
    private val scope = CoroutineScope(Dispatchers.Default)
    private val settings = OwnRunSettings(threads = 1, repeats = 1, rounds = 2, mostSeconds = 1.0, memory = true, sustainedSeconds = 0.5)
    private val usual = EngineVariant("onnx", "ONNX Runtime", "CPU")
    private val wrong = EngineVariant("onnx", "ONNX Runtime", "wrong", mapOf("provider" to "wrong"), "wrong")

    @After
    fun close() {
        scope.cancel()
        folder.deleteRecursively()
    }

    private fun model() =
        BenchModel(
            FakeMachine,
            { format, threads, options ->
                OnnxEngine(threads).let { if (options.isEmpty()) it else WrongEngine(it) }.also {
                    check(it.format == format)
                }
            },
            { DeviceDescription("android", "ART", "arm64-v8a", listOf(usual, wrong), emptyMap()) },
            results,
            scope,
            { "in the background for $it seconds" },
        )

    private fun BenchModel.end(): BenchSnapshot =
        runBlocking { withTimeout(60_000) { snapshots.first { it.phase != BenchPhase.IDLE && !it.isRunning } } }

    @Test
    fun `an engine that answers otherwise is refused with its figures, and the others are measured`() {
        val model = model()
        model.start(requireDemoBundle(), listOf(OwnSubject("onnx", usual), OwnSubject("onnx", wrong)), settings)
        val end = model.end()
        assertEquals(BenchPhase.DONE, end.phase, end.error)
        val (right, refused) = end.subjects
        assertNull(right.failure)
        assertTrue(right.answers > 0)
        assertTrue("answers as the bundle's golden vectors" in assertNotNull(right.check))
        assertEquals(0, refused.answers)
        val sentence = assertNotNull(refused.failure)
        assertTrue("does not answer" in sentence && "bound" in sentence && "not measured" in sentence, sentence)
        assertTrue(assertNotNull(end.file).readText().contains("check.engine"))
    }

    @Test
    fun `what the machine says reaches the screen`() {
        val model = model()
        model.start(requireDemoBundle(), listOf(OwnSubject("onnx", usual)), settings)
        val subject = model.end().subjects.single()
        assertEquals(FakeMachine.PSS, subject.peakBytes)
        val sustained = assertNotNull(subject.sustained)
        assertEquals("light", sustained.heat.single().status)
        assertEquals(0.7, sustained.headroom)
    }

    @Test
    fun `a bundle that is not there ends the run with a sentence, and leaves no file`() {
        val model = model()
        model.start(File(folder, "nothing.mvmoe"), listOf(OwnSubject("onnx", usual)), settings)
        val end = model.end()
        assertEquals(BenchPhase.FAILED, end.phase)
        assertTrue("nothing.mvmoe" in assertNotNull(end.error), end.error)
        assertNull(end.file)
        assertEquals(emptyList(), results.files())
    }

    @Test
    fun `a new process offers the newest results`() {
        File(folder, "mvmoe-1.jsonl").writeText("{}")
        File(folder, "mvmoe-2.jsonl").writeText("{}")
        val now = model().snapshots.value
        assertEquals(BenchPhase.IDLE, now.phase)
        assertEquals("mvmoe-2.jsonl", now.file?.name)
    }

    private object FakeMachine : Machine {
        const val PSS = 123_000_000L
        override val memoryKind = "pss"

        override fun threadCpuNs(): Long? = null

        override fun held(bundle: File) = Held(PSS)

        override fun peakRss(): Long? = null

        override fun pss() = PSS

        override fun thermal() = Thermal("light", 0.7)
    }

    /** Its outputs are twice those of another engine. */
    private class WrongEngine(
        private val engine: Engine,
    ) : Engine by engine {
        override fun open(
            root: File,
            target: Target,
        ): Runner = WrongRunner(engine.open(root, target))
    }

    private class WrongRunner(
        private val runner: Runner,
    ) : Runner by runner {
        override fun load(graph: Graph): LoadedGraph = WrongGraph(runner.load(graph))
    }

    private class WrongGraph(
        private val graph: LoadedGraph,
    ) : LoadedGraph by graph {
        override fun bind(
            inputs: Map<String, Tensor>,
            outputs: Map<String, Tensor>,
        ): BoundGraph = WrongCall(graph.bind(inputs, outputs), outputs.values)
    }

    private class WrongCall(
        private val call: BoundGraph,
        private val outputs: Collection<Tensor>,
    ) : BoundGraph by call {
        override fun run() {
            call.run()
            for (output in outputs) {
                for (place in 0 until output.floats.limit()) output.floats.put(place, 2 * output.floats.get(place))
            }
        }
    }
}

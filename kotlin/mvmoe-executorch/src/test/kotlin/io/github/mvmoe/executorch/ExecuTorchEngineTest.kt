package io.github.mvmoe.executorch

import io.github.mvmoe.BundleException
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.LoadState
import io.github.mvmoe.PartialResultException
import io.github.mvmoe.Residency
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.onnx.OnnxEngine
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import org.pytorch.executorch.FakeExecuTorch
import java.io.File
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.concurrent.thread
import kotlin.random.Random
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The engine over a stand-in for ExecuTorch that computes, and notices what crashes the real one. */
@Timeout(120)
internal class ExecuTorchEngineTest {
    @TempDir
    lateinit var folder: File
    private val engine = ExecuTorchEngine(threads = 2)
    private val random = Random(1)

    @BeforeEach
    fun `nothing was done`() = FakeExecuTorch.reset()

    @AfterEach
    fun `nothing was done wrong, and nothing is left`() {
        assertEquals(emptyList(), FakeExecuTorch.faults.toList())
        assertEquals(0, engine.moduleCount)
        assertEquals(0, FakeExecuTorch.open.size)
    }

    private fun Bundle.images(count: Int): FloatArray {
        val numbers = count * manifest.input.shape.fold(1, Int::times)
        return FloatArray(numbers) { random.nextFloat() * 4 - 2 }
    }

    private fun Bundle.graph(name: String): Graph = target("executorch").graphs.first { it.name == name }

    private fun Graph.tensors() =
        Pair(
            inputs.associate { it.name to Tensor.allocate(it.dtype, it.shape) },
            outputs.associate { it.name to Tensor.allocate(it.dtype, it.shape) },
        )

    /** The only image's error, of images until one takes the expert. */
    private fun Dispatcher.failureOf(expert: Int): EngineException {
        repeat(200) {
            try {
                this.run(bundle.images(1))
            } catch (failure: PartialResultException) {
                assertTrue("step1_e$expert" in failure.message.orEmpty(), failure.message)
                return failure.failures.getValue(0) as EngineException
            }
        }
        error("no image takes expert $expert")
    }

    @ParameterizedTest
    @ValueSource(strings = ["dispatch", "experts", "bind", "two_stages", "in_graph"])
    fun `it answers as ONNX Runtime does, with one expert in memory too`(name: String) {
        val copy = ExecuTorchBundle(name, folder)
        for (residency in listOf(Residency(), Residency(maxExperts = 1))) {
            Dispatcher.open(copy.root, engine, residency).use { dispatcher ->
                assertEquals("ExecuTorch (xnnpack)", dispatcher.engine)
                assertEquals("xnnpack", dispatcher.provider)
                dispatcher.check().requireOk()
                val images = dispatcher.bundle.images(24)
                val wanted = Dispatcher.open(copy.onnx, OnnxEngine(threads = 1)).use { it.run(images) }
                val found = dispatcher.run(images)
                assertEquals(wanted.map { it.routes }, found.map { it.routes })
                for ((image, answer) in found.withIndex()) {
                    for ((output, value) in answer.outputs) {
                        assertContentEquals(wanted[image].outputs.getValue(output).values, value.values, "image $image, $output")
                    }
                }
            }
        }
    }

    @Test
    fun `each graph is a module of its own over the one file, and is released alone`() {
        val copy = ExecuTorchBundle("dispatch", folder)
        Dispatcher.open(copy.root, engine, Residency(maxExperts = 1)).use { dispatcher ->
            assertEquals(1, engine.moduleCount)
            dispatcher.run(dispatcher.bundle.images(24))
            assertEquals(2, engine.moduleCount)
            assertEquals(setOf("model.pte"), FakeExecuTorch.loads.toSet())
            dispatcher.trim()
            assertEquals(1, engine.moduleCount)
            dispatcher.check().requireOk()
        }
    }

    @Test
    fun `what a graph gave stays as it was when the graph runs again`() {
        val bundle = ExecuTorchBundle("dispatch", folder).open()
        val stem = bundle.graph("stem")
        engine.open(bundle.root, bundle.target("executorch")).use { runner ->
            runner.load(stem).use { loaded ->
                val bindings =
                    List(2) {
                        val (inputs, outputs) = stem.tensors()
                        inputs.values
                            .single()
                            .floats
                            .duplicate()
                            .put(bundle.images(1))
                        outputs to loaded.bind(inputs, outputs)
                    }
                bindings[0].second.run()
                val first = bindings[0].first.getValue("tokens").numbers()
                bindings[1].second.run()
                assertContentEquals(first, bindings[0].first.getValue("tokens").numbers())
                assertTrue(first.any { it != 0f } && !first.contentEquals(bindings[1].first.getValue("tokens").numbers()))
            }
        }
    }

    @Test
    fun `calls of one graph at once wait for each other`() {
        val copy = ExecuTorchBundle("dispatch", folder)
        Dispatcher.open(copy.root, engine, Residency(maxExperts = 2)).use { dispatcher ->
            val images = dispatcher.bundle.images(16)
            val wanted =
                dispatcher.run(images).map {
                    it.outputs
                        .getValue("answer")
                        .values
                        .toList()
                }
            val failures = ConcurrentLinkedQueue<Throwable>()
            val calls =
                List(4) {
                    thread {
                        runCatching {
                            repeat(10) {
                                assertEquals(
                                    wanted,
                                    dispatcher.run(images).map {
                                        it.outputs
                                            .getValue("answer")
                                            .values
                                            .toList()
                                    },
                                )
                            }
                        }.onFailure(failures::add)
                    }
                }
            calls.forEach(Thread::join)
            assertEquals(emptyList(), failures.toList())
        }
    }

    @Test
    fun `another number of threads is refused while graphs are loaded`() {
        val copy = ExecuTorchBundle("dispatch", folder)
        val other = ExecuTorchEngine()
        Dispatcher.open(copy.root, engine).use {
            val error = assertThrows<InputException> { Dispatcher.open(copy.root, other) }
            assertEquals(ErrorCode.ENGINE_OPTION, error.code)
            assertContains(error.message.orEmpty(), "threads null (half of the cores) was given")
            Dispatcher.open(copy.root, ExecuTorchEngine(threads = 2)).close()
        }
        Dispatcher.open(copy.root, other).use { it.check().requireOk() }
    }

    @Test
    fun `numbers of threads that make no sense are refused`() {
        for (threads in listOf(0, -1, 257)) {
            assertEquals(ErrorCode.INPUT_INVALID, assertThrows<InputException> { ExecuTorchEngine(threads) }.code)
        }
    }

    @Test
    fun `a method that does not load is an error of the images that need it, and nothing of it stays`() {
        val copy = ExecuTorchBundle("dispatch", folder, mapOf("step1_e1" to "load=0x20"))
        Dispatcher.open(copy.root, engine).use { dispatcher ->
            val failure = dispatcher.failureOf(1)
            assertEquals(ErrorCode.ENGINE_LOAD_FAILED, failure.code)
            assertEquals("step1_e1", failure.fields["graph"])
            assertEquals(
                "graph step1_e1 (executorch/model.pte) does not load in ExecuTorch: [Executorch Error 0x20] Resource not found: " +
                    "method step1_e1",
                failure.message,
            )
            assertEquals(LoadState.FAILED, dispatcher.loadStates.value["step1_e1"])
        }
    }

    @Test
    fun `a load for which there is no memory says so`() {
        val copy = ExecuTorchBundle("dispatch", folder, mapOf("stem" to "load=0x21"))
        val error = assertThrows<ResourceLimitException> { Dispatcher.open(copy.root, engine) }
        assertEquals(ErrorCode.LIMIT_MEMORY, error.code)
    }

    @Test
    fun `a method that fails in a run is an error of its image, and stays`() {
        val copy = ExecuTorchBundle("dispatch", folder, mapOf("step1_e0" to "run=0x12"))
        Dispatcher.open(copy.root, engine).use { dispatcher ->
            val failure = dispatcher.failureOf(0)
            assertEquals(ErrorCode.ENGINE_RUN_FAILED, failure.code)
            assertContains(failure.message.orEmpty(), "graph step1_e0 failed in ExecuTorch: [Executorch Error 0x12] Invalid argument")
            assertEquals(1, failure.message?.lines()?.size)
            assertContains(dispatcher.resident, "step1_e0")
        }
    }

    @ParameterizedTest
    @ValueSource(strings = ["fewer", "none", "flat", "double"])
    fun `a method with other outputs than the manifest's is refused when it has run`(outputs: String) {
        val copy = ExecuTorchBundle("dispatch", folder, mapOf("step1_e2" to "outputs=$outputs"))
        Dispatcher.open(copy.root, engine).use { dispatcher ->
            val failure = dispatcher.failureOf(2)
            assertEquals(ErrorCode.ENGINE_WRONG_SIGNATURE, failure.code)
            assertEquals("step1_e2", failure.fields["graph"])
        }
    }

    @Test
    fun `a file that is no program opens nothing`() {
        val copy = ExecuTorchBundle("dispatch", folder).apply { replaceProgram(ByteArray(100)) }
        val error = assertThrows<EngineException> { Dispatcher.open(copy.root, engine) }
        assertEquals(ErrorCode.ENGINE_LOAD_FAILED, error.code)
        assertEquals("stem", error.fields["graph"])
    }

    @Test
    fun `a graph with a type that Java's API lacks is refused when it is loaded`() {
        val tokens = Regex(""""name": "tokens",\s*"shape": \[[^]]*],\s*"dtype": """)
        val halves = { text: String -> text.replace(Regex("$tokens\"float32\"")) { it.value.replace("float32", "float16") } }
        val bundle = ExecuTorchBundle("dispatch", folder, change = halves).open()
        engine.open(bundle.root, bundle.target("executorch")).use { runner ->
            val error = assertThrows<EngineException> { runner.load(bundle.graph("stem")) }
            assertEquals(ErrorCode.ENGINE_LOAD_FAILED, error.code)
            assertContains(error.message.orEmpty(), "its tensor tokens is float16")
        }
    }

    @Test
    fun `a delegate that this build lacks is named, with those that it has`() {
        val copy = ExecuTorchBundle("dispatch", folder, delegate = "coreml")
        val error = assertThrows<EngineException> { Dispatcher.open(copy.root, engine) }
        assertEquals(ErrorCode.ENGINE_UNSUPPORTED_PLATFORM, error.code)
        assertContains(error.message.orEmpty(), "ExecuTorch's delegate coreml, and this build of ExecuTorch has XnnpackBackend")
    }

    @Test
    fun `ExecuTorch's own kernels need no delegate`() {
        FakeExecuTorch.backends = emptyArray()
        val copy = ExecuTorchBundle("dispatch", folder, delegate = "portable")
        Dispatcher.open(copy.root, engine).use { it.check().requireOk() }
    }

    @Test
    fun `a bundle without a target for ExecuTorch says which it has`() {
        val onnx = ExecuTorchBundle("dispatch", folder).onnx
        assertEquals(ErrorCode.BUNDLE_NO_TARGET, assertThrows<BundleException> { Dispatcher.open(onnx, engine) }.code)
    }

    @Test
    fun `tensors that are not the graph's are not bound`() {
        val bundle = ExecuTorchBundle("dispatch", folder).open()
        val stem = bundle.graph("stem")
        engine.open(bundle.root, bundle.target("executorch")).use { runner ->
            runner.load(stem).use { loaded ->
                assertEquals(ErrorCode.INPUT_SHAPE, assertThrows<InputException> { loaded.bind(emptyMap(), stem.tensors().second) }.code)
            }
        }
    }

    private fun Tensor.numbers() = FloatArray(floats.capacity()).also { floats.duplicate().get(it) }
}

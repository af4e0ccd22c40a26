package io.github.mvmoe.engine

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.bundle.DType
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.TensorSpec
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import java.nio.ByteBuffer
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertIsNot
import kotlin.test.assertSame

class EngineErrorsTest {
    private val errors = EngineErrors("Engine 1.0")
    private val tokens = TensorSpec("tokens", listOf(1, 5, 8), DType.FLOAT32, null)
    private val gates = TensorSpec("gates", listOf(1, 2), DType.FLOAT16, null)
    private val answer = TensorSpec("answer", listOf(1, 10), DType.FLOAT32, null)
    private val graph =
        Graph("step1_e0", 1, null, "onnx/step1_e0.onnx", null, 0, 0, listOf(tokens, gates), listOf(answer), emptyMap(), emptyList())
    private val found = graph.inputs.map { Signature(it.name, it.shape.map(Int::toLong), it.dtype.id) }
    private val given = listOf(Signature("answer", listOf(1, 10), "float32"))

    @Test
    fun `a graph that does not load is named, with what the engine says in one line`() {
        val cause = IllegalStateException("\n  no such operator: Foo\n at line 3")
        val error = errors.load(graph, cause)
        assertEquals(ErrorCode.ENGINE_LOAD_FAILED, error.code)
        assertEquals("graph step1_e0 (onnx/step1_e0.onnx) does not load in Engine 1.0: no such operator: Foo", error.message)
        assertEquals(mapOf<String, Any?>("graph" to "step1_e0"), error.fields)
        assertSame(cause, error.cause)
        assertIsNot<ResourceLimitException>(error)
    }

    @Test
    fun `a graph that does not run is named, and so is an error without a word`() {
        val error = errors.run(graph, IllegalStateException())
        assertEquals(ErrorCode.ENGINE_RUN_FAILED, error.code)
        assertEquals("graph step1_e0 failed in Engine 1.0: IllegalStateException", error.message)
    }

    @ParameterizedTest
    @CsvSource(
        "std::bad_alloc, LIMIT_MEMORY",
        "Failed to allocate memory for requested buffer of size 4194304, LIMIT_MEMORY",
        "mmap failed: Cannot allocate memory, LIMIT_MEMORY",
        "open file weights.bin fail: Too many open files, LIMIT_FILES",
        "system error number 24, LIMIT_FILES",
        "pthread_create failed, LIMIT_THREADS",
    )
    fun `a limit has its own code`(
        text: String,
        code: ErrorCode,
    ) {
        for (error in listOf(
            errors.load(graph, RuntimeException(text)),
            errors.run(graph, RuntimeException("it failed", Exception(text))),
        )) {
            assertIs<ResourceLimitException>(error)
            assertEquals(code, error.code)
        }
    }

    @Test
    fun `what a JVM says of memory and of threads is a limit`() {
        assertEquals(ErrorCode.LIMIT_MEMORY, errors.run(graph, OutOfMemoryError("Java heap space")).code)
        assertEquals(ErrorCode.LIMIT_THREADS, errors.run(graph, OutOfMemoryError("unable to create native thread")).code)
    }

    @Test
    fun `an engine that does not start has no graph to name`() {
        val error = errors.start(IllegalStateException("no such option"))
        assertEquals(ErrorCode.ENGINE_FAILED, error.code)
        assertEquals("Engine 1.0 does not start: no such option", error.message)
        assertEquals(emptyMap(), error.fields)
    }

    @Test
    fun `causes that go in a circle end`() {
        val inner = RuntimeException("inner")
        val outer = RuntimeException("outer", inner)
        inner.initCause(outer)
        assertEquals(ErrorCode.ENGINE_RUN_FAILED, errors.run(graph, outer).code)
    }

    @Test
    fun `a missing library is one sentence with the machine, the reason and what to do`() {
        val second = NoClassDefFoundError("Could not initialize class Foo").initCause(UnsatisfiedLinkError("libfoo.so not found"))
        val error = errors.missingLibrary(second, "add foo to the application")
        assertEquals(ErrorCode.ENGINE_UNSUPPORTED_PLATFORM, error.code)
        val machine = "${System.getProperty("os.name")} ${System.getProperty("os.arch")}"
        assertEquals(
            "Engine 1.0 has no native library that runs here, on $machine (libfoo.so not found); add foo to the application",
            error.message,
        )
    }

    @ParameterizedTest
    @CsvSource("aarch64, arm64-v8a", "armv7l, armeabi-v7a", "armv8l, armeabi-v7a", "i686, x86", "x86_64, x86_64")
    fun `on Android a machine is its ABI`(
        architecture: String,
        abi: String,
    ) {
        val properties = mapOf("java.vendor" to "The Android Project", "os.arch" to architecture, "os.name" to "Linux")
        assertEquals("the ABI $abi", platform(properties::get))
    }

    @Test
    fun `the order of inputs means nothing`() {
        errors.requireSignature(graph, found, given)
        errors.requireSignature(graph, found.reversed(), given)
    }

    @Test
    fun `a graph with other tensors is refused, with both in words`() {
        val others =
            listOf(
                found.drop(1),
                found + Signature("more", listOf(1), "float32"),
                found.map { Signature(it.name, it.shape.map { size -> -size }, it.dtype) },
                found.map { Signature(it.name, it.shape, "float64") },
                found.map { Signature("other_${it.name}", it.shape, it.dtype) },
                listOf(found[0], found[0]),
            )
        for (inputs in others) {
            val error = assertThrows<EngineException> { errors.requireSignature(graph, inputs, given) }
            assertEquals(ErrorCode.ENGINE_WRONG_SIGNATURE, error.code)
            assertContains(
                error.message.orEmpty(),
                "the inputs $inputs, but the manifest says [tokens float32 [1, 5, 8], gates float16 [1, 2]]",
            )
        }
        val error = assertThrows<EngineException> { errors.requireSignature(graph, found, found) }
        assertContains(error.message.orEmpty(), "has the outputs [tokens")
    }

    @Test
    fun `tensors that are the manifest's are bound, and no others`() {
        val inputs = graph.inputs.associate { it.name to Tensor.allocate(it.dtype, it.shape) }
        val outputs = mapOf("answer" to Tensor.allocate(answer.dtype, answer.shape))
        errors.requireTensors(graph, inputs, outputs)
        val others =
            listOf(
                null,
                Tensor.allocate(DType.FLOAT32, listOf(1, 2)),
                Tensor.allocate(DType.FLOAT16, listOf(2, 1)),
                Tensor(DType.FLOAT16, gates.shape, ByteBuffer.allocate(4)),
                Tensor(DType.FLOAT16, gates.shape, ByteBuffer.allocateDirect(2)),
            )
        for (other in others) {
            val changed = inputs.toMutableMap().apply { if (other == null) remove("gates") else put("gates", other) }
            val error = assertThrows<InputException> { errors.requireTensors(graph, changed, outputs) }
            assertEquals(ErrorCode.INPUT_SHAPE, error.code)
            assertContains(error.message.orEmpty(), "tensor gates of graph step1_e0")
        }
        assertThrows<InputException> { errors.requireTensors(graph, inputs, emptyMap()) }
    }
}

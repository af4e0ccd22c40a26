package io.github.mvmoe.onnx

import ai.onnxruntime.OrtSession.SessionOptions
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import kotlin.test.assertContains
import kotlin.test.assertEquals

class OnnxEngineTest {
    private val bundle = AnswerBundles.open("dispatch")

    @Test
    fun `by default the CPU computes, on threads of each graph`() {
        val engine = OnnxEngine()
        assertEquals("onnx", engine.format)
        engine.open(bundle.root, bundle.target("onnx")).use { runner ->
            assertEquals("CPU", runner.provider)
            assertContains(runner.description, Regex("""^ONNX Runtime 1\.\d+\.\d+ \(CPU\)$"""))
        }
    }

    @Test
    fun `a number of threads that no machine should start is refused`() {
        for (threads in listOf(-1, 0, 257)) {
            val error = assertThrows<InputException> { OnnxEngine(threads) }
            assertEquals(ErrorCode.INPUT_INVALID, error.code)
            assertEquals("threads $threads was given; expected 1 to 256", error.message)
        }
        listOf(1, 256).forEach(::OnnxEngine)
    }

    @Test
    fun `a provider that this build lacks is refused with those that it has`() {
        for (provider in listOf(ExecutionProvider.Xnnpack, ExecutionProvider.Nnapi(fp16 = true, cpuDisabled = true))) {
            val engine = OnnxEngine(threads = 1, provider = provider)
            val error = assertThrows<InputException> { engine.open(bundle.root, bundle.target("onnx")) }
            assertEquals(ErrorCode.ENGINE_OPTION, error.code)
            assertEquals(mapOf<String, Any?>("option" to "provider"), error.fields)
            assertContains(error.message.orEmpty(), "the execution provider $provider was given, but this build of ONNX Runtime has CPU;")
            assertEquals(0, engine.optionsCount)
        }
    }

    @Test
    fun `threads of graphs stop spinning with the run, and with XNNPACK they do not spin at all`() {
        Environment.get()
        val stopping = "session.force_spinning_stop" to "1"
        SessionOptions().use { options ->
            setThreads(options, OnnxEngine(threads = 2))
            assertEquals(mapOf(stopping), options.configEntries)
        }
        SessionOptions().use { options ->
            setThreads(options, OnnxEngine(threads = 2, provider = ExecutionProvider.Xnnpack))
            assertEquals(mapOf(stopping, "session.intra_op.allow_spinning" to "0"), options.configEntries)
        }
    }

    @Test
    fun `a pool of the process comes too late where ONNX Runtime is in use`() {
        OnnxEngine(threads = 1).open(bundle.root, bundle.target("onnx")).use {
            val error =
                assertThrows<InputException> {
                    OnnxEngine(
                        threads = 1,
                        pool = ThreadPool.PROCESS,
                    ).open(bundle.root, bundle.target("onnx"))
                }
            assertEquals(ErrorCode.ENGINE_OPTION, error.code)
            assertEquals(mapOf<String, Any?>("option" to "pool"), error.fields)
        }
    }
}

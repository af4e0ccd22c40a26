package io.github.mvmoe.demo.bench

import io.github.mvmoe.EngineException
import io.github.mvmoe.InputException
import io.github.mvmoe.onnx.ExecutionProvider
import io.github.mvmoe.onnx.OnnxEngine
import io.github.mvmoe.onnx.ThreadPool
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertNull

@RunWith(RobolectricTestRunner::class)
class AndroidEnginesTest {
    private val engines = AndroidEngines()

    private fun onnx(vararg options: Pair<String, String>) = engines.engine("onnx", 3, mapOf(*options)) as OnnxEngine

    @Test
    fun `options choose the provider and the pool`() {
        assertEquals(listOf<Any?>(3, ExecutionProvider.Cpu, ThreadPool.SESSION), onnx().let { listOf(it.threads, it.provider, it.pool) })
        assertEquals(ExecutionProvider.Xnnpack, onnx("provider" to "xnnpack").provider)
        assertIs<ExecutionProvider.Nnapi>(onnx("provider" to "nnapi").provider)
        assertEquals(ThreadPool.PROCESS, onnx("pool" to "process").pool)
    }

    @Test
    fun `options that nobody knows are refused by their names`() {
        for (option in listOf("provider" to "gpu", "pool" to "both", "fast" to "yes")) {
            val error = assertFailsWith<InputException> { onnx(option) }
            assertEquals(listOf<Any?>("engine.option", option.first), listOf(error.code.id, error.fields["option"]))
        }
    }

    @Test
    fun `a format without an engine, or whose engine is not in the app, is refused`() {
        for (format in listOf("coreml", "executorch")) {
            val error = assertFailsWith<EngineException> { engines.engine(format, 1, emptyMap()) }
            assertEquals("engine.unsupported-platform", error.code.id)
        }
    }

    @Test
    fun `the ways say what the build lacks`() {
        val ways = engines.ways.associate { "${it.variant.format} ${it.variant.provider}" to it.missing }
        // ONNX Runtime's build for the desktop has its CPU provider alone of these.
        assertNull(ways.getValue("onnx CPU"))
        assertEquals(Missing.NOT_BUILT, ways.getValue("onnx XNNPACK"))
        assertEquals(Missing.NOT_BUILT, ways.getValue("onnx NNAPI"))
        assertEquals(Missing.NOT_BUILT, ways.getValue("executorch XNNPACK"))
        assertEquals(listOf("CPU"), engines.variants.map { it.provider })
    }
}

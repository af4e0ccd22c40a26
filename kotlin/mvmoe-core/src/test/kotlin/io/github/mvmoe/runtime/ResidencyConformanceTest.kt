package io.github.mvmoe.runtime

import io.github.mvmoe.Answer
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.OpenOptions
import io.github.mvmoe.PartialResultException
import io.github.mvmoe.Pin
import io.github.mvmoe.Residency
import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.PixelFormat
import io.github.mvmoe.preprocessing.Plane
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** `tests/conformance/residency` on the dispatcher as it is, blocking and suspending; only the engine is the suite's. */
class ResidencyConformanceTest {
    @TestFactory
    fun `blocking calls do as the scripts say`(): List<DynamicTest> =
        Scripts.files.map { (file, scripts) ->
            DynamicTest.dynamicTest(file) {
                val failures = ScriptPlayer.failures(scripts, ::BlockingCallers) { { e, s, step -> BlockingReader(e, s, step) } }
                assertEquals(emptyList(), failures.toList())
            }
        }

    @TestFactory
    fun `suspending calls do as the scripts say`(): List<DynamicTest> =
        Scripts.files.map { (file, scripts) ->
            DynamicTest.dynamicTest(file) {
                val failures =
                    ScriptPlayer.failures(scripts, ::SuspendingCallers) { callers -> { e, s, step -> openSuspending(e, s, step, callers) } }
                assertEquals(emptyList(), failures.toList())
            }
        }

    @Test
    fun `no file and no script is left out`() {
        assertEquals(13, Scripts.files.size)
        assertTrue(Scripts.files.values.sumOf { it.size } > 230)
    }

    private suspend fun openSuspending(
        engine: ScriptedEngine,
        script: Script,
        step: ScriptStep,
        callers: SuspendingCallers,
    ): ScriptedReader {
        writeScriptedBundle(script, engine)
        val dispatcher = Dispatcher.openAsync(engine.folder, engine, residencyOf(step), OpenOptions(context = callers))
        return SuspendingReader(dispatcher, script, callers)
    }
}

/** What a step `open` asks for. */
private fun residencyOf(step: ScriptStep) =
    Residency(
        maxExperts = step.long("max_resident_experts")?.toInt(),
        maxBytes = step.long("max_resident_bytes"),
        pin = step.list("pin").map(::pinOf),
    )

private fun pinOf(pin: Any?): Pin =
    when (pin) {
        is String -> Pin.graph(pin)
        is Long -> Pin.expert(pin.toInt())
        else -> Pin.route(*(pin as List<*>).map { (it as Long).toInt() }.toIntArray())
    }

/** An image holds the logits of all routed stages; the graphs' answers are the numbers of one. */
private class ScriptImages(
    private val script: Script,
) {
    val width = script.stages.sumOf { it.size }

    /** The pixels of an image whose routes are those of some graphs. */
    fun pixels(graphs: List<String>): PixelBuffer {
        val bytes = ByteArray(width) { (255 * level(graphs, it)).toByte() }
        return PixelBuffer(PixelFormat.L, width, 1, listOf(Plane(ByteBuffer.wrap(bytes), width, 1)))
    }

    fun batch(images: List<List<String>>): FloatArray = FloatArray(images.size * width) { level(images[it / width], it % width).toFloat() }

    private fun level(
        graphs: List<String>,
        place: Int,
    ): Int = if (script.stages.flatten()[place].name in graphs) 1 else 0
}

private fun numbers(answer: Answer): List<Long> =
    answer.outputs
        .getValue("answer")
        .values
        .map { it.toLong() }

/** The answers of a batch, and the codes of the images that have none. */
private inline fun batchOf(run: () -> List<Answer>): Pair<List<List<Long>?>, Map<Int, String>> =
    try {
        run().map(::numbers) to emptyMap()
    } catch (partial: PartialResultException) {
        partial.answers.map { it?.let(::numbers) } to partial.failures.toSortedMap().mapValues { it.value.code.id }
    }

private class BlockingReader(
    engine: ScriptedEngine,
    script: Script,
    step: ScriptStep,
) : ScriptedReader {
    private val images = ScriptImages(script)
    private val dispatcher = Dispatcher.open(engine.folder.also { writeScriptedBundle(script, engine) }, engine, residencyOf(step))

    override suspend fun ask(graphs: List<String>) = numbers(dispatcher.predict(images.pixels(graphs)))

    override suspend fun askBatch(images: List<List<String>>) = batchOf { dispatcher.run(this.images.batch(images)) }

    override suspend fun prewarm() = dispatcher.prewarm()

    override suspend fun close() = dispatcher.close()

    override val resident: List<String> get() = dispatcher.resident
}

private class SuspendingReader(
    private val dispatcher: Dispatcher,
    script: Script,
    private val callers: SuspendingCallers,
) : ScriptedReader {
    private val images = ScriptImages(script)

    override suspend fun ask(graphs: List<String>) = numbers(dispatcher.predictAsync(images.pixels(graphs)))

    override suspend fun askBatch(images: List<List<String>>) = batchOf { dispatcher.runAsync(this.images.batch(images)) }

    override suspend fun prewarm() = dispatcher.prewarmAsync()

    override suspend fun close() = withContext(callers) { dispatcher.close() }

    override val resident: List<String> get() = dispatcher.resident
}

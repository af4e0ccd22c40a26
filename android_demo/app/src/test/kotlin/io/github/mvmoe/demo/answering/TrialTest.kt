package io.github.mvmoe.demo.answering

import io.github.mvmoe.Dispatcher
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import io.github.mvmoe.OpenOptions
import io.github.mvmoe.demo.HandDrawn
import io.github.mvmoe.demo.model.ModelState
import io.github.mvmoe.demo.model.OpenModel
import io.github.mvmoe.demo.testing.requireDemoBundle
import io.github.mvmoe.onnx.OnnxEngine
import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.PixelFormat
import io.github.mvmoe.preprocessing.Plane
import io.github.mvmoe.preprocessing.ValueRange
import io.github.mvmoe.preprocessing.YuvMatrix
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.After
import org.junit.Before
import org.junit.Test
import java.io.File
import java.nio.ByteBuffer
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Without Android: the demo's bundle on a JVM. */
class TrialTest {
    private val scope = CoroutineScope(Dispatchers.Default.limitedParallelism(1))
    private val models = MutableStateFlow(ModelState())
    private lateinit var bundle: File
    private val trial by lazy { Trial(scope, models) }

    @Before
    fun requireBundle() {
        bundle = requireDemoBundle()
    }

    @After
    fun end() {
        scope.cancel()
        models.value.model?.close()
    }

    private fun open(withAllExperts: Boolean = true): OpenModel {
        val all = if (withAllExperts) Dispatcher.open(bundle, OnnxEngine(threads = 1), options = OpenOptions("onnx-all-experts")) else null
        val routed = Dispatcher.open(bundle, OnnxEngine(threads = 1), options = OpenOptions("onnx"))
        return OpenModel(
            bundle,
            "digits",
            routed,
            all,
            if (withAllExperts) null else "there is none",
        ).also { models.value = ModelState(it) }
    }

    private fun await(isSo: (TrialState) -> Boolean): TrialState =
        runBlocking { withTimeoutOrNull(10_000) { trial.state.first(isSo) } } ?: error("this did not change: ${trial.state.value}")

    private fun photo() = PixelBuffer.argb(IntArray(30 * 20) { 0xFF000000.toInt() or it }, 30, 20)

    /** A frame of a camera, white. */
    private fun frame(): PixelBuffer {
        val bytes = ByteBuffer.wrap(ByteArray(64 * 48) { -1 })
        val chroma = ByteBuffer.wrap(ByteArray(32 * 24) { -128 })
        return PixelBuffer(
            PixelFormat.YUV420,
            64,
            48,
            listOf(Plane(bytes, 64, 1), Plane(chroma, 32, 1), Plane(chroma, 32, 1)),
            6,
            YuvMatrix.BT601,
            ValueRange.FULL,
        )
    }

    @Test
    fun `a drawing waits for the model`() {
        trial.draw(HandDrawn.digits.getValue("3"))
        assertTrue(await { it.isAnswering }.explanation == null)
        open()
        val state = await { it.explanation != null }
        assertEquals(
            "3",
            state.explanation
                ?.top
                ?.first()
                ?.label,
        )
        assertEquals(64, state.drawnImage?.levels?.size)
        assertTrue(!state.isAnswering)
    }

    @Test
    fun `an answer says how it came about`() {
        val model = open()
        trial.draw(HandDrawn.digits.getValue("6"))
        val explanation = assertNotNull(await { it.explanation != null }.explanation)
        val stage = explanation.stages.single()
        assertEquals(stage.route, stage.experts.filter { it.isChosen }.map { it.expert })
        assertEquals(stage.experts.maxBy { it.score }.expert, stage.route.single())
        assertEquals(explanation.totalNs, explanation.parts.sumOf { it.ns })
        val comparison = assertNotNull(explanation.comparison)
        assertTrue(comparison.isSameAnswer && comparison.routedNs > 0 && comparison.allExpertsNs > 0)
        assertEquals("6", comparison.top?.label)
        assertTrue(explanation.others.isEmpty() && explanation.marks.boxes.isEmpty() && explanation.marks.masks.isEmpty())
        assertEquals(3, explanation.top.size)
        model.close()
    }

    @Test
    fun `without a target of all experts there is nothing to compare`() {
        open(withAllExperts = false)
        trial.draw(HandDrawn.digits.getValue("0"))
        assertNull(assertNotNull(await { it.explanation != null }.explanation).comparison)
    }

    @Test
    fun `a photo is decoded once, and shown before there is a model`() {
        var loads = 0
        trial.choose(Source.PHOTO)
        trial.pick("here") { photo().also { loads++ } }
        assertEquals(30, await { it.photo != null }.photo?.width)
        open()
        await { it.explanation != null }
        trial.choose(Source.DRAW)
        await { it.explanation == null }
        trial.choose(Source.PHOTO)
        assertEquals("here", await { it.explanation != null }.photoPlace)
        assertEquals(1, loads)
    }

    @Test
    fun `what the library says of a photo is shown, until there is another image`() {
        open()
        trial.choose(Source.PHOTO)
        trial.pick("gone") { throw ImageException(ErrorCode.IMAGE_UNREADABLE, "it cannot be read") }
        assertEquals("it cannot be read", await { it.error != null }.error)
        trial.pick("here") { photo() }
        assertNull(await { it.explanation != null }.error)
    }

    @Test
    fun `frames are answered one by one, by the route alone`() {
        open()
        trial.choose(Source.CAMERA)
        trial.frame(frame())
        val state = await { it.explanation != null }
        assertEquals(48 to 64, state.frame?.run { width to height })
        assertNull(state.explanation?.comparison)
        trial.choose(Source.DRAW)
        trial.frame(frame())
        assertNull(trial.state.value.explanation)
    }

    @Test
    fun `a new model answers the same drawing again`() {
        val first = open()
        trial.draw(HandDrawn.digits.getValue("2"))
        val before = await { it.explanation != null }.explanation
        open(withAllExperts = false)
        val after = await { it.explanation != null && it.explanation !== before }.explanation
        assertEquals(before?.top?.first()?.label, after?.top?.first()?.label)
        assertNull(after?.comparison)
        first.close()
    }

    @Test
    fun `what another source says is not shown`() {
        trial.choose(Source.DRAW)
        trial.fail(Source.CAMERA, "no camera")
        assertNull(trial.state.value.error)
        trial.choose(Source.CAMERA)
        trial.fail(Source.CAMERA, "no camera")
        assertEquals("no camera", trial.state.value.error)
    }
}

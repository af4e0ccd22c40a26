package io.github.mvmoe.onnx

import io.github.mvmoe.Dispatcher
import io.github.mvmoe.Residency
import io.github.mvmoe.engine.Engine
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** `tests/conformance/answers`: what happens between two graphs. */
internal class AnswersConformanceTest {
    @TempDir
    lateinit var folder: File

    @ParameterizedTest
    @MethodSource("bundles")
    fun `with all graphs in memory`(name: String) {
        assertEquals(emptyList(), faults(AnswerBundles.root(name), OnnxEngine(threads = 1), Residency()))
    }

    @ParameterizedTest
    @MethodSource("bundles")
    fun `with one expert in memory`(name: String) {
        val engine = OnnxEngine(threads = 1)
        assertEquals(emptyList(), faults(AnswerBundles.root(name), engine, Residency(maxExperts = 1)))
        assertEquals(listOf(0, 0, 0), listOf(engine.sessionCount, engine.tensorCount, engine.optionsCount))
    }

    @ParameterizedTest
    @MethodSource("bundles")
    fun `the dispatcher's own check agrees, and all images of a bundle as one batch`(name: String) {
        val bundle = AnswerBundles.open(name)
        val golden = Golden(bundle)
        Dispatcher.open(bundle.root, OnnxEngine(threads = 1), Residency(maxExperts = 1)).use { dispatcher ->
            dispatcher.check().requireOk()
            val answers = dispatcher.run(golden.all("image"))
            val errors =
                answers.mapIndexed {
                    image,
                    answer,
                    ->
                    golden.error(answer.outputs.getValue("answer").values, "outputs.answer", image)
                }
            assertEquals(golden.images, answers.size)
            assertTrue(errors.all { it <= Golden.BOUND }, "$errors")
        }
    }

    @ParameterizedTest
    @MethodSource("bundles")
    fun `an engine between that changes nothing changes nothing`(name: String) {
        val engine = WrongEngine(OnnxEngine(threads = 1), Wrong())
        assertEquals(emptyList(), faults(AnswerBundles.root(name), engine, Residency()))
    }

    @ParameterizedTest
    @MethodSource("wrongEngines")
    fun `an engine that gets one thing wrong between two graphs is noticed`(case: WrongEngines.Case) {
        for (name in case.bundles) {
            val found = faults(AnswerBundles.root(name), WrongEngine(OnnxEngine(threads = 1), case.wrong()), Residency())
            assertTrue(found.isNotEmpty(), "$name")
        }
    }

    @Test
    fun `a manifest that leads tensors or routers another way is noticed`() {
        val wrong =
            mapOf(
                "the first router" to { text: String -> text.replace(""""router": "step1.logits"""", """"router": "stem.logits"""") },
                "tokens of the stem" to { text: String -> text.replace(""""tokens": "step1.tokens"""", """"tokens": "stem.tokens"""") },
            )
        for ((what, change) in wrong) {
            val copy = BundleCopy("two_stages", File(folder, what))
            copy.edit(change)
            assertTrue(faults(copy.root, OnnxEngine(threads = 1), Residency()).isNotEmpty(), what)
        }
    }

    /** What is answered otherwise than the golden vectors, one image at a time. */
    private fun faults(
        root: File,
        engine: Engine,
        residency: Residency,
    ): List<String> {
        val found = ArrayList<String>()
        Dispatcher.open(root, engine, residency).use { dispatcher ->
            val golden = Golden(dispatcher.bundle)
            for (image in 0 until golden.images) {
                val answer = dispatcher.run(golden.of("image", image)).single()
                for ((index, route) in answer.routes.withIndex()) {
                    if (route != golden.route(index + 1, image)) found += "image $image: route $route at stage ${index + 1}"
                    val error = golden.error(answer.routerLogits[index], "logits.${index + 1}", image)
                    if (error > Golden.BOUND) found += "image $image: logits of stage ${index + 1} off by $error"
                }
                for ((name, output) in answer.outputs) {
                    val error = golden.error(output.values, "outputs.$name", image)
                    if (error > Golden.BOUND) found += "image $image: $name off by $error"
                }
            }
        }
        return found
    }

    private companion object {
        @JvmStatic
        fun bundles() = AnswerBundles.names

        @JvmStatic
        fun wrongEngines() = WrongEngines.cases
    }
}

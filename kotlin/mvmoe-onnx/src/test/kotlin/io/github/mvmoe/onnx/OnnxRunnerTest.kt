package io.github.mvmoe.onnx

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.engine.ReportsPlacement
import io.github.mvmoe.engine.Tensor
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.atomic.AtomicInteger
import kotlin.random.Random
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class OnnxRunnerTest {
    @TempDir
    lateinit var folder: File
    private val engine = OnnxEngine(threads = 1)

    @AfterEach
    fun `nothing native is left`() {
        assertEquals(listOf(0, 0, 0), listOf(engine.optionsCount, engine.sessionCount, engine.tensorCount))
    }

    private fun Bundle.runner() = engine.open(root, target("onnx"))

    @Test
    fun `stem and expert in a row answer as the golden vectors`() {
        val bundle = AnswerBundles.open("dispatch")
        val golden = Golden(bundle)
        bundle.runner().use { runner ->
            val stem = bundle.graph("stem")
            val (image, given) = stem.newInputs() to stem.newOutputs()
            runner.load(stem).use { loaded ->
                val bound = loaded.bind(image, given)
                for (number in 0 until golden.images) {
                    image.getValue("image").put(golden.of("image", number))
                    bound.run()
                    assertTrue(golden.error(given.getValue("logits").numbers(), "logits.1", number) <= Golden.BOUND)
                    val expert = golden.route(1, number).single()
                    val graph = bundle.graph("step1_e$expert")
                    val gate = Tensor.allocate(graph.inputs[1].dtype, graph.inputs[1].shape)
                    gate.put(floatArrayOf(golden.of("gates.1", number)[expert]))
                    val answer = graph.newOutputs()
                    runner.load(graph).use { step ->
                        step.bind(mapOf("tokens" to given.getValue("tokens"), "gates" to gate), answer).run()
                    }
                    assertTrue(golden.error(answer.getValue("answer").numbers(), "outputs.answer", number) <= Golden.BOUND)
                }
            }
        }
    }

    @Test
    fun `every graph of every bundle is what its manifest says`() {
        for (name in AnswerBundles.names) {
            val bundle = AnswerBundles.open(name)
            bundle.runner().use { runner ->
                for (graph in bundle.target("onnx").graphs) {
                    runner.load(graph).use { it.bind(graph.newInputs(), graph.newOutputs()).run() }
                }
            }
        }
    }

    @Test
    fun `the engine says which provider runs the operators of a graph`() {
        val before = temporary()
        for (name in AnswerBundles.names) {
            val bundle = AnswerBundles.open(name)
            bundle.runner().use { runner ->
                for (graph in bundle.target("onnx").graphs) {
                    val placement = (runner as ReportsPlacement).placement(graph)
                    assertEquals(setOf("CPU"), placement.byUnit.keys, graph.name)
                    assertTrue(placement.byUnit.getValue("CPU") > 0)
                    assertEquals(emptyMap(), placement.outside)
                }
            }
        }
        assertEquals(before, temporary(), "a profile was left")
    }

    private fun temporary() =
        File(System.getProperty("java.io.tmpdir")).list { _, name -> name.startsWith("mvmoe-profile") }.orEmpty().toSet()

    @Test
    fun `a tensor of several bindings is one of ONNX Runtime's`() {
        val bundle = AnswerBundles.open("dispatch")
        val (stem, step) = bundle.graph("stem") to bundle.graph("step1_e0")
        bundle.runner().use { runner ->
            val given = stem.newOutputs()
            val first = runner.load(stem)
            first.bind(stem.newInputs(), given)
            assertEquals(3, engine.tensorCount) // image, tokens, logits
            val gates = step.newInputs().filterKeys { it == "gates" }
            val second = runner.load(step)
            val bound = List(2) { second.bind(gates + ("tokens" to given.getValue("tokens")), step.newOutputs()) }
            assertEquals(3 + 1 + 2, engine.tensorCount) // gates once, an answer for each
            bound[0].close()
            bound[0].close()
            assertEquals(5, engine.tensorCount)
            first.close()
            assertEquals(3, engine.tensorCount) // tokens, which the second graph still reads
            bound[1].run()
            assertEquals(1, engine.sessionCount)
            second.close()
            second.close()
        }
    }

    @Test
    fun `two bindings of one graph run at once`() {
        val bundle = AnswerBundles.open("dispatch")
        val golden = Golden(bundle)
        val stem = bundle.graph("stem")
        bundle.runner().use { runner ->
            runner.load(stem).use { loaded ->
                val wrong = AtomicInteger()
                val threads =
                    List(4) { worker ->
                        Thread {
                            val (image, given) = stem.newInputs() to stem.newOutputs()
                            val bound = loaded.bind(image, given)
                            repeat(200) { turn ->
                                val number = (turn + worker) % golden.images
                                image.getValue("image").put(golden.of("image", number))
                                bound.run()
                                if (golden.error(given.getValue("logits").numbers(), "logits.1", number) >
                                    Golden.BOUND
                                ) {
                                    wrong.incrementAndGet()
                                }
                            }
                        }
                    }
                threads.forEach(Thread::start)
                threads.forEach(Thread::join)
                assertEquals(0, wrong.get())
            }
        }
    }

    @Test
    fun `a graph of another stage is refused by its tensors`() {
        val copy = BundleCopy("dispatch", folder)
        copy.edit { it.replace("\"file\": \"onnx/step1_e1.onnx\"", "\"file\": \"onnx/stem.onnx\"") }
        val bundle = Bundle.open(copy.root)
        bundle.runner().use { runner ->
            val error = assertThrows<EngineException> { runner.load(bundle.graph("step1_e1")) }
            assertEquals(ErrorCode.ENGINE_WRONG_SIGNATURE, error.code)
            assertEquals("step1_e1", error.fields["graph"])
        }
    }

    @Test
    fun `a graph that is cut off is refused, with what ONNX Runtime says`() {
        for (path in listOf("onnx/step1_e0.onnx", "onnx/weights.bin")) {
            val copy = BundleCopy("dispatch", File(folder, path))
            File(copy.root, path).run { writeBytes(readBytes().copyOf((length() / 2).toInt())) }
            val bundle = Bundle.open(copy.root)
            bundle.runner().use { runner ->
                val error = assertThrows<EngineException> { runner.load(bundle.graph("step1_e0")) }
                assertEquals(ErrorCode.ENGINE_LOAD_FAILED, error.code)
                assertEquals("step1_e0", error.fields["graph"])
                assertContains(error.message.orEmpty(), "graph step1_e0 (onnx/step1_e0.onnx) does not load in ONNX Runtime 1.")
                assertEquals(
                    1,
                    error.message
                        .orEmpty()
                        .lines()
                        .size,
                )
            }
        }
    }

    /** Damage that leaves a graph which loads is none of the engine's business: hashes find it. */
    @Test
    fun `of a graph with damaged bytes nothing else is said than that it does not load, or has other tensors`() {
        val copy = BundleCopy("dispatch", folder)
        val file = File(copy.root, "onnx/step1_e0.onnx")
        val healthy = file.readBytes()
        val random = Random(17)
        val codes = HashMap<ErrorCode, Int>()
        val bundle = Bundle.open(copy.root)
        bundle.runner().use { runner ->
            repeat(300) {
                val damaged = healthy.copyOf()
                repeat(random.nextInt(1, 8)) { damaged[random.nextInt(damaged.size)] = random.nextInt().toByte() }
                file.writeBytes(damaged)
                try {
                    runner.load(bundle.graph("step1_e0")).close()
                } catch (error: EngineException) {
                    codes.merge(error.code, 1, Int::plus)
                    assertEquals(
                        1,
                        error.message
                            .orEmpty()
                            .lines()
                            .size,
                    )
                }
            }
        }
        assertTrue(codes.getValue(ErrorCode.ENGINE_LOAD_FAILED) > 50, "$codes")
        assertEquals(emptySet(), codes.keys - setOf(ErrorCode.ENGINE_LOAD_FAILED, ErrorCode.ENGINE_WRONG_SIGNATURE))
    }

    @Test
    fun `a graph that fails in a run is named, and runs again`() {
        val copy = BundleCopy("dispatch", folder)
        val failing = javaClass.getResource("/failing_step.onnx")!!.readBytes()
        copy.replace("onnx/step1_e0.onnx") { failing }
        val bundle = Bundle.open(copy.root)
        val graph = bundle.graph("step1_e0")
        bundle.runner().use { runner ->
            runner.load(graph).use { loaded ->
                val (inputs, outputs) = graph.newInputs() to graph.newOutputs()
                val bound = loaded.bind(inputs, outputs)
                val error = assertThrows<EngineException> { bound.run() }
                assertEquals(ErrorCode.ENGINE_RUN_FAILED, error.code)
                assertContains(error.message.orEmpty(), "graph step1_e0 failed in ONNX Runtime 1.")
                assertContains(error.message.orEmpty(), "out of data bounds")
                inputs.getValue("gates").put(floatArrayOf(-100f)) // The row 0.
                inputs.getValue("tokens").put(FloatArray(5 * 16) { it.toFloat() })
                bound.run()
                assertContentEquals(FloatArray(5) { it.toFloat() }, outputs.getValue("answer").numbers())
            }
        }
    }

    @Test
    fun `tensors that are not the graph's are not bound`() {
        val bundle = AnswerBundles.open("dispatch")
        val stem = bundle.graph("stem")
        bundle.runner().use { runner ->
            runner.load(stem).use { loaded ->
                val error = assertThrows<InputException> { loaded.bind(emptyMap(), stem.newOutputs()) }
                assertEquals(ErrorCode.INPUT_SHAPE, error.code)
                assertEquals(0, engine.tensorCount)
            }
        }
    }
}

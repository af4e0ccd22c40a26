package io.github.mvmoe

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.PixelFormat
import io.github.mvmoe.preprocessing.Plane
import io.github.mvmoe.runtime.ToyBundle
import io.github.mvmoe.runtime.ToyEngine
import io.github.mvmoe.runtime.ToyModel
import io.github.mvmoe.runtime.softmax
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.util.Random
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What a dispatcher answers, with every strategy, over an engine that computes a model which the test computes too. */
class DispatcherTest {
    @TempDir
    lateinit var folder: File

    /** Opens a model's bundle, and asserts at the end that the engine was used as its contract says. */
    private fun <R> using(
        model: ToyModel,
        residency: Residency = Residency(),
        prior: Any? = null,
        engine: ToyEngine = ToyEngine(model),
        work: (Dispatcher, ToyEngine) -> R,
    ): R {
        val bundle = File(folder, "bundle${folder.list()?.size}").also { it.mkdir() }
        ToyBundle(model, bundle).write(prior)
        val found = Dispatcher.open(bundle, engine, residency).use { work(it, engine) }
        assertNull(engine.faults())
        return found
    }

    private fun images(
        model: ToyModel,
        count: Int,
        seed: Long,
    ): List<FloatArray> {
        val random = Random(seed)
        return List(count) { FloatArray(model.width) { random.nextInt(17) / 4f } }
    }

    /** Asserts that an image has the routes of the two best experts, their gates, and the model's answer. */
    private fun assertTopTwo(
        model: ToyModel,
        image: FloatArray,
        answer: Answer,
    ) {
        val routes = model.experts.indices.map { ToyEngine.top(model.logits(image, it)) }
        assertEquals<List<List<Int>>>(routes, answer.routes)
        val gates = routes.indices.map { stage -> routes[stage].map { softmax(model.logits(image, stage))[it] }.toFloatArray() }
        for (stage in routes.indices) {
            assertContentEquals(model.logits(image, stage).toFloatArray(), answer.routerLogits[stage])
            for (place in gates[stage].indices) assertEquals(gates[stage][place], answer.gates[stage][place], 1e-6f)
        }
        val wanted = model.answer(image.last(), routes, gates)
        // Sums of a few products in fp32, in another order.
        assertEquals(
            wanted,
            answer.outputs
                .getValue("answer")
                .values
                .single(),
            1e-4f * maxOf(1f, wanted),
        )
        val x = image.last()
        assertContentEquals(floatArrayOf(x, 2 * x, -x), answer.logits)
        assertEquals(if (x > 0) "double" else "x", answer.label)
        assertEquals("s${model.experts.size}", answer.lastStage)
    }

    private val twoStages = List(2) { mapOf("type" to "top_k", "experts" to 3, "k" to 2) }

    private val models: Map<String, ToyModel> =
        listOf("dispatch", "experts", "bind", "gather", "all-experts").associateWith { ToyModel(it, twoStages) } +
            mapOf(
                "gather of int32" to ToyModel("gather", twoStages, indexType = "int32"),
                "gather in graph" to ToyModel("gather", twoStages, routersInGraph = true),
                "all-experts in graph" to ToyModel("all-experts", twoStages, routersInGraph = true),
            ) +
            listOf("dispatch", "experts", "bind", "gather", "all-experts").associate {
                "$it of batch 3" to
                    ToyModel(it, twoStages, batch = 3)
            }

    @TestFactory
    fun `single images are answered as the model answers`(): List<DynamicTest> =
        models.map { (name, model) ->
            DynamicTest.dynamicTest(name) {
                for (residency in listOf(Residency(), Residency(maxExperts = 1), Residency(maxBytes = 25))) {
                    using(model, residency) { dispatcher, _ ->
                        for (image in images(model, 40, 1)) assertTopTwo(model, image, dispatcher.run(image).single())
                    }
                }
            }
        }

    @TestFactory
    fun `batches are answered as the model answers`(): List<DynamicTest> =
        models.map { (name, model) ->
            DynamicTest.dynamicTest(name) {
                for (residency in listOf(Residency(), Residency(maxExperts = 1))) {
                    using(model, residency) { dispatcher, _ ->
                        val images = images(model, 20, 2)
                        val answers = dispatcher.run(images.flatMap { it.toList() }.toFloatArray())
                        assertEquals(images.size, answers.size)
                        for ((image, answer) in images.zip(answers)) assertTopTwo(model, image, answer)
                    }
                }
            }
        }

    @Test
    fun `a tensor of one image is read where it lies, and others are copied`() {
        val model = ToyModel("dispatch")
        using(model) { dispatcher, engine ->
            val tensor = Tensor.allocate(DType.FLOAT32, listOf(1, 1, 1, model.width))
            repeat(3) { round ->
                for (image in images(model, 5, round.toLong())) {
                    for (place in image.indices) tensor.floats.put(place, image[place])
                    assertTopTwo(model, image, dispatcher.run(tensor).single())
                }
            }
            // The stem's own image, the tensor, and one binding a route.
            assertTrue(engine.binds.get() <= 5, "${engine.binds}")
            val image = images(model, 1, 7).single()
            assertTopTwo(model, image, dispatcher.run(FloatBuffer.wrap(image)).single())
            assertTopTwo(model, image, dispatcher.run(Tensor(tensor.dtype, tensor.shape, heap(image))).single())
        }
    }

    private fun heap(image: FloatArray): ByteBuffer {
        val bytes =
            ByteBuffer
                .allocate(4 * image.size)
                .order(ByteOrder.nativeOrder())
        bytes.asFloatBuffer().put(image)
        return bytes
    }

    @Test
    fun `pixels are prepared, answered and timed`() {
        for (model in models.values) {
            using(model) { dispatcher, _ ->
                val levels = ByteArray(model.width) { (37 * it % 256).toByte() }
                val pixels = PixelBuffer(PixelFormat.L, model.width, 1, listOf(Plane(ByteBuffer.wrap(levels), model.width, 1)))
                val prediction = dispatcher.predict(pixels)
                val image = FloatArray(model.width) { (levels[it].toInt() and 0xff) / 255f }
                // The input is level * (1 / 255), in fp32.
                assertTopTwo(model, prediction.inputOf(model, image), prediction)
                assertEquals(listOf(model.width, 1), listOf(prediction.transform.imageWidth, prediction.transform.imageHeight))
                val timings = prediction.timings
                val parts = listOf(timings.preprocess, timings.stem, timings.select, timings.load, timings.expert)
                assertTrue(parts.all { it >= 0 } && parts.sum() in 1..timings.total, timings.toString())
                assertCode(ErrorCode.IMAGE_BUFFER_SIZE) { dispatcher.predict(PixelBuffer(PixelFormat.L, 0, 1, pixels.planes)) }
            }
        }
    }

    /** The input that the answer shows: the logits of its routers, and its number. */
    private fun Answer.inputOf(
        model: ToyModel,
        image: FloatArray,
    ): FloatArray {
        val input = (routerLogits.flatMap { it.toList() } + logits[0]).toFloatArray()
        for (place in 0 until model.width) assertEquals(image[place], input[place], 1e-6f)
        return input
    }

    @TestFactory
    fun `the engine is compared with the golden vectors`(): List<DynamicTest> =
        models.map { (name, model) ->
            DynamicTest.dynamicTest(name) {
                val bundle = File(folder, "golden $name").also { it.mkdir() }
                val engine = ToyEngine(model)
                // Numbers that differ, so that no image is a near-tie.
                val images = List(4) { image -> FloatArray(model.width) { (3 * it + 5 * image) % 7 + it / 8f } }
                Dispatcher.open(ToyBundle(model, bundle, images).write(), engine, Residency(maxExperts = 1)).use { dispatcher ->
                    val right = dispatcher.check()
                    right.requireOk()
                    assertEquals(4, right.images)
                    assertEquals(0.0, right.routerError)
                    engine.afterRun = { outputs -> outputs["value"]?.floats?.let { it.put(0, it.get(0) * 1.01f) } }
                    if (!model.routersInGraph) {
                        val wrong = dispatcher.check()
                        assertTrue(!wrong.ok && wrong.answerError > 0.005 && wrong.rerouted.isEmpty(), wrong.toString())
                        assertEquals(ErrorCode.CHECK_ENGINE, assertFailsWith<CheckFailedException> { wrong.requireOk() }.code)
                    }
                    engine.afterRun = { outputs -> outputs["logits0"]?.floats?.put(0, Float.NaN) }
                    if (!model.routersInGraph) assertEquals(Double.POSITIVE_INFINITY, dispatcher.check().routerError)
                }
                assertNull(engine.faults())
            }
        }

    @Test
    fun `a warm image binds nothing and loads nothing`() {
        for (model in models.values) {
            using(model) { dispatcher, engine ->
                val images = images(model, 30, 3)
                images.forEach { dispatcher.run(it) }
                val before = engine.binds.get() to engine.loads.size
                images.forEach { dispatcher.run(it) }
                assertEquals(before, engine.binds.get() to engine.loads.size)
            }
        }
    }

    @Test
    fun `what stages pass on may be of half precision`() {
        val model =
            ToyModel("dispatch", listOf(mapOf("type" to "top_k", "experts" to 2, "k" to 1, "unit_gates" to true)), stateType = "float16")
        using(model) { dispatcher, _ ->
            val image = model.image(3f, listOf(0f, 1f))
            for (answer in listOf(dispatcher.run(image), dispatcher.run(image + image)).flatten()) {
                assertEquals(
                    3f + 2 * 4,
                    answer.outputs
                        .getValue("answer")
                        .values
                        .single(),
                )
            }
        }
    }

    @Test
    fun `shorter routes leave slots and places that change nothing`() {
        for (strategy in listOf("dispatch", "experts", "bind", "gather", "all-experts")) {
            val rule = mapOf("type" to "threshold", "experts" to 3, "thresholds" to listOf(0.5, 0.5, 0.5))
            val model = ToyModel(strategy, listOf(rule), batch = if (strategy == "bind") 1 else 2)
            using(model) { dispatcher, engine ->
                val long = model.image(1f, listOf(1f, 1f, 1f))
                val short = model.image(2f, listOf(0f, 1f, 0f))
                for (answers in listOf(listOf(long, short).map { dispatcher.run(it).single() }, dispatcher.run(long + short))) {
                    assertEquals(listOf(listOf(0, 1, 2), listOf(1)), answers.map { it.routes.single().toList() })
                    assertEquals(
                        1f + 2 * (1 + 2 + 3) / 3f,
                        answers[0]
                            .outputs
                            .getValue("answer")
                            .values
                            .single(),
                        1e-5f,
                    )
                    assertEquals(
                        2f + 3 * 2f,
                        answers[1]
                            .outputs
                            .getValue("answer")
                            .values
                            .single(),
                        1e-5f,
                    )
                }
                if (strategy == "experts") assertEquals(1, engine.loads.count { it == "s1_e1" })
            }
        }
    }

    @Test
    fun `an image on a route that finishes it runs no further stage`() {
        for (strategy in listOf("dispatch", "experts", "bind", "gather", "all-experts")) {
            val rule = mapOf("type" to "top_k", "experts" to 2, "k" to 1)
            val model = ToyModel(strategy, listOf(rule, rule), finishes = listOf(emptyList(), listOf(listOf(1))))
            using(model) { dispatcher, _ ->
                val stays = model.image(1f, listOf(9f, 0f), listOf(9f, 0f))
                val ends = model.image(1f, listOf(9f, 0f), listOf(0f, 9f))
                val (long, short) = dispatcher.run(stays + ends)
                assertEquals("s2", long.lastStage)
                for (answer in listOf(short, dispatcher.run(ends).single())) {
                    assertEquals("s1", answer.lastStage)
                    assertEquals<List<List<Int>>>(listOf(listOf(0), listOf(1)), answer.routes)
                    val gate = softmax(listOf(9f, 0f))[0]
                    assertEquals(
                        1 + gate * 2,
                        answer.outputs
                            .getValue("answer")
                            .values
                            .single(),
                        1e-5f,
                    )
                }
            }
        }
    }

    @Test
    fun `callers choose routes by their names`() {
        val given =
            mapOf(
                "type" to "given",
                "experts" to 3,
                "choice" to "task",
                "routes" to mapOf("depth" to listOf(1), "pose" to listOf(0, 2)),
            )
        val model = ToyModel("dispatch", listOf(given))
        using(model) { dispatcher, _ ->
            val image = model.image(1f, listOf(0f, 0f, 0f))
            val answer = dispatcher.run(image, mapOf("task" to "pose")).single()
            assertRoute(listOf(0, 2), answer.route)
            assertEquals(
                1f + 2 * (1 + 3),
                answer.outputs
                    .getValue("answer")
                    .values
                    .single(),
            )
            assertEquals(0, answer.routerLogits.single().size)
            assertRoute(listOf(1), dispatcher.run(image + image, mapOf("task" to "depth"))[1].route)
            assertCode(ErrorCode.ROUTING_CHOICE_MISSING) { dispatcher.run(image) }
            assertCode(ErrorCode.ROUTING_CHOICE_UNKNOWN) { dispatcher.run(image, mapOf("task" to "sleep")) }
            assertCode(ErrorCode.ROUTING_NO_SUCH_CHOICE) { dispatcher.run(image, mapOf("power" to "low")) }
        }
    }

    @Test
    fun `a choice may be left to the router`() {
        val router = mapOf("type" to "top_k", "experts" to 3, "k" to 1)
        val given = mapOf("type" to "given", "experts" to 3, "routes" to mapOf("last" to listOf(2)), "otherwise" to router)
        val model = ToyModel("experts", listOf(given))
        using(model) { dispatcher, _ ->
            val image = model.image(1f, listOf(0f, 5f, 0f))
            assertRoute(listOf(1), dispatcher.run(image).single().route)
            assertRoute(listOf(1), dispatcher.run(image, mapOf("route" to null)).single().route)
            assertRoute(listOf(2), dispatcher.run(image, mapOf("route" to "last")).single().route)
        }
    }

    @Test
    fun `what is not finite is an error, never an answer`() {
        val model = ToyModel("dispatch")
        using(model) { dispatcher, engine ->
            val good = model.image(1f, listOf(3f, 2f, 1f))
            val bad = model.image(1f, listOf(3f, Float.NaN, 1f))
            assertCode(ErrorCode.ROUTING_NOT_FINITE) { dispatcher.run(bad) }
            assertCode(ErrorCode.ROUTING_NOT_FINITE) { dispatcher.run(good + bad) }
            val huge = model.image(Float.POSITIVE_INFINITY, listOf(0f, 2f, 1f))
            assertCode(ErrorCode.ROUTING_NOT_FINITE) { dispatcher.run(huge) }
            val batch = assertFailsWith<RoutingException> { dispatcher.run(good + huge) }
            assertEquals(1, batch.fields["image"])
            engine.beforeLoad = { throw EngineException(ErrorCode.ENGINE_LOAD_FAILED, "told to fail") }
            dispatcher.trim()
            engine.beforeLoad = { if (it == "s1_r0_1") throw EngineException(ErrorCode.ENGINE_LOAD_FAILED, "told to fail") }
            val partial = assertFailsWith<PartialResultException> { dispatcher.run(good + huge + model.image(2f, listOf(0f, 2f, 1f))) }
            assertEquals(listOf(true, true, false), partial.answers.map { it == null })
            val codes =
                partial.failures
                    .toSortedMap()
                    .values
                    .map { it.code }
            assertEquals(listOf(ErrorCode.ENGINE_LOAD_FAILED, ErrorCode.ROUTING_NOT_FINITE), codes)
            assertEquals(listOf(0, 1), partial.fields["images"])
        }
    }

    @Test
    fun `other shapes and types are refused`() {
        val model = ToyModel("dispatch")
        using(model) { dispatcher, _ ->
            assertCode(ErrorCode.INPUT_SHAPE) { dispatcher.run(FloatArray(0)) }
            assertCode(ErrorCode.INPUT_SHAPE) { dispatcher.run(FloatArray(model.width + 1)) }
            val other = Tensor.allocate(DType.FLOAT32, listOf(1, 1, model.width, 1))
            assertCode(ErrorCode.INPUT_SHAPE) { dispatcher.run(other) }
            val half = Tensor.allocate(DType.FLOAT16, listOf(1, 1, 1, model.width))
            assertCode(ErrorCode.INPUT_SHAPE) { dispatcher.run(half) }
            val short = Tensor(DType.FLOAT32, listOf(1, 1, 1, model.width), ByteBuffer.allocateDirect(8))
            assertCode(ErrorCode.INPUT_SHAPE) { dispatcher.run(short) }
        }
    }

    @Test
    fun `the target is the engine's`() {
        val model = ToyModel("dispatch")
        ToyBundle(model, folder).write()
        val other =
            object : Engine by ToyEngine(model) {
                override val format: String get() = "other"
            }
        val error = assertCode(ErrorCode.BUNDLE_NO_TARGET) { Dispatcher.open(folder, other) }
        assertEquals(listOf("toy"), error.fields["available"])
        assertCode(ErrorCode.BUNDLE_NO_TARGET) { Dispatcher.open(folder, ToyEngine(model), options = OpenOptions(target = "another")) }
        assertCode(ErrorCode.BUNDLE_WRONG_MANIFEST) {
            Dispatcher.open(folder, ToyEngine(model), options = OpenOptions(manifestSha256 = "0".repeat(64)))
        }
        Dispatcher.open(folder, ToyEngine(model), options = OpenOptions(target = "toy")).close()
    }

    @Test
    fun `limits without effect are noted, and a pin asks for weights`() {
        val model = ToyModel("bind")
        using(model, Residency(maxExperts = 1, pin = listOf(Pin.expert(2)))) { dispatcher, _ ->
            assertEquals(1, dispatcher.notes.size)
            assertEquals(emptyList(), dispatcher.resident)
            assertEquals(mapOf("s1_b2" to LoadState.MAPPED), dispatcher.loadStates.value)
            dispatcher.residency = Residency()
            assertEquals(emptyList(), dispatcher.notes)
            assertCode(ErrorCode.ROUTING_UNKNOWN_ROUTE) { dispatcher.residency = Residency(pin = listOf(Pin.expert(3))) }
            assertCode(ErrorCode.ROUTING_UNKNOWN_ROUTE) { dispatcher.residency = Residency(pin = listOf(Pin.graph("s1_b2"))) }
        }
    }

    @Test
    fun `with every strategy experts that are not kept are passed over`() {
        val rule = mapOf("type" to "top_k", "experts" to 4, "k" to 2, "kept" to listOf(0, 1, 3))
        for (strategy in listOf("all-experts", "bind", "dispatch", "experts", "gather")) {
            val model = ToyModel(strategy, listOf(rule))
            using(model) { dispatcher, _ ->
                dispatcher.prewarm()
                val natural = model.image(1f, listOf(1f, 0f, 0f, 2f))
                assertTopTwo(model, natural, dispatcher.run(natural).single())
                val logits = listOf(1f, 0f, 3f, 2f)
                val answer = dispatcher.run(model.image(1f, logits)).single()
                assertRoute(listOf(0, 3), answer.routes.single())
                val gates = listOf(0, 3).map { softmax(logits)[it] }.toFloatArray()
                for (place in gates.indices) assertEquals(gates[place], answer.gates.single()[place], 1e-6f)
                val wanted = model.answer(1f, listOf(listOf(0, 3)), listOf(gates))
                // Sums of a few products in fp32, in another order.
                val found =
                    answer.outputs
                        .getValue("answer")
                        .values
                        .single()
                assertEquals(wanted, found, 1e-4f * wanted)
            }
        }
    }

    @Test
    fun `an expert that no route has cannot be pinned, and what can be is said`() {
        val rule = mapOf("type" to "top_k", "experts" to 4, "k" to 2, "kept" to listOf(0, 1, 3))
        for ((strategy, pin) in listOf("bind" to Pin.expert(2), "dispatch" to Pin.route(0, 2), "experts" to Pin.expert(2))) {
            using(ToyModel(strategy, listOf(rule))) { dispatcher, _ ->
                val error = assertCode(ErrorCode.ROUTING_UNKNOWN_ROUTE) { dispatcher.residency = Residency(pin = listOf(pin)) }
                assertTrue("routes of s1 have the experts [0, 1, 3] alone" in error.message.orEmpty(), error.message)
                dispatcher.residency = Residency(pin = listOf(if (strategy == "dispatch") Pin.route(0, 3) else Pin.expert(3)))
            }
        }
    }

    @Test
    fun `with bind no more than 256 routes of a graph stay bound`() {
        val rule = mapOf("type" to "top_k", "experts" to 24, "k" to 2)
        val model = ToyModel("bind", listOf(rule))
        using(model) { dispatcher, engine ->
            repeat(2) {
                for (first in 0 until 24) {
                    for (second in first + 1 until 24) {
                        val logits = List(24) { if (it == first || it == second) 5f else 0f }
                        assertTopTwo(model, model.image(1f, logits), dispatcher.run(model.image(1f, logits)).single())
                    }
                }
            }
            assertEquals(256 + 1, engine.bindings)
        }
    }

    @Test
    fun `prewarming with bind runs the graph of every length`() {
        val model = ToyModel("bind", listOf(mapOf("type" to "threshold", "experts" to 2, "thresholds" to listOf(0.5, 0.5))))
        using(model) { dispatcher, engine ->
            val ran = ArrayList<String>()
            engine.beforeRun = { ran += it }
            dispatcher.prewarm()
            assertEquals(listOf("s1_b1", "s1_b2"), ran)
        }
    }

    @Test
    fun `prewarming experts counts the shares of all their routes`() {
        val model = ToyModel("experts")
        val prior = listOf(listOf(mapOf("route" to listOf(0, 2), "share" to 0.4), mapOf("route" to listOf(1, 2), "share" to 0.6)))
        using(model, Residency(maxExperts = 2), prior) { dispatcher, engine ->
            dispatcher.prewarm()
            assertEquals(listOf("stem", "s1_join", "s1_e2", "s1_e1"), engine.loads)
        }
    }

    @Test
    fun `a model that does not load leaves nothing open`() {
        val model = ToyModel("experts")
        val engine = ToyEngine(model)
        engine.beforeLoad = { if (it == "s1_join") throw EngineException(ErrorCode.ENGINE_LOAD_FAILED, "told to fail") }
        ToyBundle(model, folder).write()
        assertCode(ErrorCode.ENGINE_LOAD_FAILED) { Dispatcher.open(folder, engine) }
        assertNull(engine.faults())
        assertEquals(listOf("stem"), engine.freed)
    }

    private fun assertRoute(
        wanted: List<Int>,
        found: List<Int>?,
    ) = assertEquals(wanted, found)

    private fun assertCode(
        code: ErrorCode,
        call: () -> Unit,
    ): MvmoeException = assertFailsWith<MvmoeException> { call() }.also { assertEquals(code, it.code, it.message) }
}

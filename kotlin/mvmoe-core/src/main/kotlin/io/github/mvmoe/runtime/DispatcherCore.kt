package io.github.mvmoe.runtime

import io.github.mvmoe.Answer
import io.github.mvmoe.EngineCheck
import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.LoadState
import io.github.mvmoe.OpenOptions
import io.github.mvmoe.PartialResultException
import io.github.mvmoe.Prediction
import io.github.mvmoe.Residency
import io.github.mvmoe.RoutingException
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.CheckedFiles
import io.github.mvmoe.bundle.DType
import io.github.mvmoe.bundle.GoldenVectors
import io.github.mvmoe.bundle.IMAGE
import io.github.mvmoe.bundle.StoredWeights
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.Preprocessor
import io.github.mvmoe.routing.Choices
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Selector
import io.github.mvmoe.strategies.Strategies
import kotlinx.coroutines.flow.StateFlow
import java.io.Closeable
import java.io.File
import java.nio.FloatBuffer

/** What `Dispatcher` does, blocking. */
internal class DispatcherCore private constructor(
    val bundle: Bundle,
    private val runner: Runner,
    val pipeline: Pipeline,
    private val graphs: GraphCache,
    residency: Residency,
) : Closeable {
    private val answers = AnswerMaker(pipeline)
    private val preprocessor = Preprocessor(pipeline.manifest.input)
    private val imageShape = pipeline.manifest.input.shape
    private val imageSize = imageShape.fold(1, Int::times)

    /** Whether the stem can read a caller's image where it lies: it takes one, and nothing else reads it. */
    private val readsInPlace =
        target.batch == 1 &&
            pipeline.stages.drop(1).none { IMAGE in it.takes.values } &&
            pipeline.manifest.outputs.none { IMAGE in it.tensors }

    /** What selects routes where the caller chooses nothing; null if he has to. */
    private val routers: List<Selector>? = pipeline.rules.mapNotNull { Choices.routerOf(it) }.takeIf { it.size == pipeline.rules.size }
    private val calls = Calls(::newBuffers, ::free)

    val target: Target get() = pipeline.target
    val engine: String get() = runner.description
    val provider: String get() = runner.provider
    val resident: List<String> get() = graphs.resident
    val loadStates: StateFlow<Map<String, LoadState>> get() = graphs.loadStates

    val notes: List<String>
        get() {
            val isLimited = residency.maxExperts != null || residency.maxBytes != null
            return if (graphs.takesWeights && isLimited) listOf(noteOnLimits()) else emptyList()
        }

    @Volatile
    var residency: Residency = residency
        @Synchronized
        set(value) {
            graphs.limit(value)
            field = value
        }

    init {
        graphs.limit(residency)
    }

    fun predict(
        pixels: PixelBuffer,
        choices: Map<String, String?>,
    ): Prediction {
        val selectors = selectors(choices)
        return calls.run { buffers ->
            buffers.laps.start()
            val transform = preprocessor.prepare(pixels, buffers.image.floats)
            buffers.laps.end(Part.PREPROCESS)
            val passage = passOne(graphs, buffers, selectors, null)
            val parts = answers.ofFirst(buffers, passage, transform)
            Prediction(parts, transform, buffers.laps.timings())
        }
    }

    fun run(
        images: Tensor,
        choices: Map<String, String?>,
    ): List<Answer> {
        requireImages(images)
        val selectors = selectors(choices)
        if (images.shape[0] > 1) return runBatch(images.floats, images.shape[0], selectors)
        return runOne(selectors) { buffers ->
            if (readsInPlace && images.data.isDirect) {
                images
            } else {
                copy(images.floats, buffers)
            }
        }
    }

    /** As [run], of numbers that lie from place 0 to the limit of a buffer which is nobody else's. */
    fun run(
        images: FloatBuffer,
        choices: Map<String, String?>,
    ): List<Answer> {
        val count = images.limit() / imageSize
        if (count < 1 || images.limit() % imageSize != 0) refuse("${images.limit()} numbers", listOf(images.limit()))
        val selectors = selectors(choices)
        return if (count > 1) runBatch(images, count, selectors) else runOne(selectors) { copy(images, it) }
    }

    /**
     * One image `[1, C, H, W]` with selectors of the caller's own, and what [read] makes of the answer and of where its time
     * went: for benchmarks, which impose routes.
     */
    fun <R> trace(
        image: Tensor,
        selectors: (Laps) -> List<Selector>,
        read: (Answer, Laps) -> R,
    ): R =
        calls.run { buffers ->
            val chosen = selectors(buffers.laps)
            buffers.laps.start()
            val passage = passOne(graphs, buffers, chosen, if (readsInPlace) image else copy(image.floats, buffers))
            read(Answer(answers.ofFirst(buffers, passage, null)), buffers.laps)
        }

    /** What selects the routes of a call with these choices, one for each stage between whose graphs the host selects. */
    fun selectors(choices: Map<String, String?>): List<Selector> =
        if (choices.isEmpty() && routers != null) routers else Choices.selectors(pipeline.rules, choices)

    fun check(): EngineCheck =
        bundle.golden().use { golden ->
            val answered = calls.run { buffers -> List(golden.images) { answerGolden(golden, it, buffers) } }
            checkAnswers(BundleAnswers(golden, pipeline.manifest), answered, pipeline.manifest, target)
        }

    fun prewarm(): Unit = calls.run { buffers -> Prewarming(pipeline, graphs, buffers, calls::isClosing).run() }

    fun trim() {
        closeAll(calls.takeIdle() + Closeable(graphs::trim))
    }

    override fun close(): Unit = calls.close()

    private fun newBuffers() = withinMemory { InferenceBuffers(pipeline, graphs) }

    private fun free(idle: List<InferenceBuffers>) = closeAll(idle + graphs)

    /** Loads what every image runs, and binds the stem. */
    private fun loadAlways() {
        for (graph in target.graphs) {
            if (graph.route == null || graphs.takesWeights) graphs.load(graph)
        }
        calls.run { it.stem(null).prepare() }
    }

    /** Copies an image into the buffers, where the stem then reads it. */
    private fun copy(
        image: FloatBuffer,
        buffers: InferenceBuffers,
    ): Tensor? {
        ImageRows(image, imageSize).write(0, buffers.image, 0)
        return null
    }

    /** The answer for one image, which the stem reads where [place] says, or in the buffers. */
    private inline fun runOne(
        selectors: List<Selector>,
        crossinline place: (InferenceBuffers) -> Tensor?,
    ): List<Answer> =
        calls.run { buffers ->
            buffers.laps.start()
            try {
                val passage = passOne(graphs, buffers, selectors, place(buffers))
                listOf(Answer(answers.ofFirst(buffers, passage, null)))
            } catch (failure: EngineException) {
                throw PartialResultException(listOf(null), mapOf(0 to failure))
            }
        }

    private fun runBatch(
        images: FloatBuffer,
        count: Int,
        selectors: List<Selector>,
    ): List<Answer> =
        calls.run { buffers ->
            buffers.laps.start()
            withinMemory { Batch(pipeline, graphs, answers, buffers, selectors, ImageRows(images, imageSize), count).run() }
        }

    /** What the graphs make of a golden image; where the caller chooses, it takes what may be chosen in turn. */
    private fun answerGolden(
        golden: GoldenVectors,
        image: Int,
        buffers: InferenceBuffers,
    ): Answered {
        val selectors = pipeline.rules.map { Choices.selectorInTurn(it, image) }
        copy(FloatBuffer.wrap(golden.image(image)), buffers)
        var routes = emptyList<Route>()
        var last = pipeline.rules.size
        try {
            val passage = passOne(graphs, buffers, selectors, null)
            last = passage.last
            routes = answers.routesOf(buffers, passage)
        } catch (_: RoutingException) {
            // Logits that are not finite end the way here; they are infinitely far off.
        }
        val outputs = buffers.results[last].associate { it.spec.name to it.values() }
        return Answered(routes, answers.logitsOf(buffers), outputs)
    }

    /** An engine reads the memory of a tensor by its shape: it has to be there. */
    private fun requireImages(images: Tensor) {
        val hasShape = images.dtype == DType.FLOAT32 && images.shape.size == 4 && images.shape.drop(1) == imageShape && images.shape[0] > 0
        if (!hasShape) refuse("a tensor of ${images.dtype.id} ${images.shape}", images.shape)
        if (images.floats.limit().toLong() != images.shape[0].toLong() * imageSize) {
            refuse("a tensor ${images.shape} with memory for ${images.floats.limit()} numbers", listOf(images.floats.limit()))
        }
    }

    private fun refuse(
        given: String,
        found: List<Int>,
    ): Nothing =
        throw InputException(
            ErrorCode.INPUT_SHAPE,
            "$given was given; expected float32 [B, ${imageShape.joinToString()}] with at least one image",
            mapOf("expected" to imageShape, "found" to found),
        )

    private fun noteOnLimits() =
        "limits of experts in memory have no effect with the target ${target.name}: the weights of its experts are mapped from a " +
            "file, and the system decides which pages of it are in memory"

    companion object {
        fun open(
            path: File,
            engine: Engine,
            residency: Residency,
            options: OpenOptions,
        ): DispatcherCore {
            // A link may be turned later; what graphs are loaded from may not.
            val bundle = Bundle.open(path.canonicalFile, options.manifestSha256)
            return open(bundle, targetOf(bundle, engine.format, options.target), engine, residency)
        }

        /** As above, of a bundle that is open, at a path without links. */
        fun open(
            bundle: Bundle,
            target: Target,
            engine: Engine,
            residency: Residency,
        ): DispatcherCore {
            val pipeline = Pipeline(bundle.manifest, target, checkNotNull(Strategies.find(target.strategy)))
            val owned = ArrayList<Closeable>()
            try {
                val files = CheckedFiles.verify(bundle.root, target.files, keep = target.weights).also { owned += it }
                // A channel to a file cannot be opened by an interrupted thread.
                if (Thread.interrupted()) throw InterruptedException()
                val weights = StoredWeights(bundle.root, target, files).also { owned += it }
                val runner = engine.open(bundle.root, target).also { owned += it }
                val graphs = GraphCache(pipeline, runner, files, weights)
                // They are its own from here on.
                owned.clear()
                owned += graphs
                return DispatcherCore(bundle, runner, pipeline, graphs, residency).also { it.loadAlways() }
            } catch (failure: Throwable) {
                runCatching { closeAll(owned.asReversed()) }.exceptionOrNull()?.let(failure::addSuppressed)
                throw failure
            }
        }
    }
}

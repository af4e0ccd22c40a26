package io.github.mvmoe.bench.subjects

import io.github.mvmoe.bench.EngineChoice
import io.github.mvmoe.bench.Engines
import io.github.mvmoe.bench.Images
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.Routes
import io.github.mvmoe.bench.Stopwatch
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.CheckedFiles
import io.github.mvmoe.bundle.DType
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.IMAGE
import io.github.mvmoe.bundle.StoredWeights
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import io.github.mvmoe.runtime.Pipeline
import io.github.mvmoe.runtime.row
import io.github.mvmoe.strategies.Strategies
import io.github.mvmoe.strategies.slotInput
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The bundle's own graphs one after the other, each query's route and gates known, and everything bound beforehand. */
internal class BareGraphs private constructor(
    private val pipeline: Pipeline,
    private val runner: Runner,
    private val weights: StoredWeights,
    private val images: Images,
) : Subject {
    /** What answers one query, and where its answer lies afterwards. */
    private class Known(
        val calls: Array<BoundGraph>,
        val outputs: Map<String, Tensor>,
    )

    override val actual: EngineChoice = runner.choice()
    private val loaded = HashMap<Graph, LoadedGraph>()
    private val known = HashMap<Pair<Int, Routes?>, Known>()
    private val given: List<Map<String, Tensor>> =
        pipeline.stages.indices.map { stage ->
            pipeline.givingGraph(stage).outputs.associate { it.name to Tensor.allocate(it.dtype, it.shape) }
        }
    private val passed: Map<String, Tensor> =
        pipeline.stages
            .zip(given)
            .flatMap { (stage, tensors) -> tensors.map { stage.gives.getValue(it.key) to it.value } }
            .toMap()

    /** The graphs, and a copy of what they give: images are read where they lie. */
    override fun answer(query: Query): Outputs {
        val answering = known.getValue(query.image to query.routes)
        for (call in answering.calls) call.run()
        return copies(answering.outputs)
    }

    override fun close() {
        loaded.values.forEach(LoadedGraph::close)
        runner.close()
        weights.close()
    }

    /** Finds out which graphs and gates a query needs, by answering it once. */
    private fun learn(query: Query) {
        val tensors = passed + (IMAGE to imageTensor(query.image))
        val stem = pipeline.graphOfAll(0)
        val calls = arrayListOf(bind(stem, inputs(stem, tensors), given[0]).also(BoundGraph::run))
        var last = 0
        for ((index, rule) in pipeline.rules.withIndex()) {
            val stage = index + 1
            val router = pipeline.stages[stage].router
            val logits = if (router == null) NO_LOGITS else row(passed.getValue(router), 0)
            val route = query.routes?.get(index)?.let { Route.of(*it.toIntArray()) } ?: rule.select(logits).route
            if (pipeline.isFinished(stage, route)) break
            val found = stageCalls(stage, route, rule.gates(route, logits), tensors)
            found.forEach(BoundGraph::run)
            calls += found
            last = stage
        }
        val outputs = pipeline.manifest.outputs.associate { it.name to passed.getValue(checkNotNull(pipeline.tensorOf(it, last))) }
        known[query.image to query.routes] = Known(calls.toTypedArray(), outputs)
    }

    /** The calls of one stage: those of experts that another graph joins, and the last. */
    private fun stageCalls(
        stage: Int,
        route: Route,
        gates: FloatArray,
        tensors: Map<String, Tensor>,
    ): List<BoundGraph> {
        val graphs = pipeline.serving(stage, route)
        val last = graphs.last()
        val taken = inputs(last, tensors)
        pipeline.strategy.write(taken, 0, route, gates)
        val experts =
            graphs.dropLast(1).mapIndexed { slot, expert ->
                val into = expert.outputs.associate { it.name to taken.getValue(slotInput(slot, it.name)) }
                bind(expert, inputs(expert, tensors), into)
            }
        val bound = if (last.bound.isEmpty()) emptyMap() else weights.inputs(last, route)
        return experts + bind(last, taken + bound, given[stage])
    }

    /** What a graph takes beside weights: tensors of stages before, and tensors of its own. */
    private fun inputs(
        graph: Graph,
        tensors: Map<String, Tensor>,
    ): Map<String, Tensor> {
        val takes = pipeline.stages[graph.stage].takes
        return graph.inputs.filter { it.name !in graph.bound }.associate { spec ->
            spec.name to (takes[spec.name]?.let(tensors::getValue) ?: Tensor.allocate(spec.dtype, spec.shape))
        }
    }

    private fun bind(
        graph: Graph,
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ): BoundGraph = loaded.getOrPut(graph) { runner.load(graph) }.bind(inputs, outputs)

    private fun imageTensor(image: Int): Tensor = tensorOf(images, image)

    companion object {
        private val NO_LOGITS = ByteBuffer.allocate(0).asFloatBuffer()

        fun open(
            order: SubjectOrder,
            images: Images,
            engines: Engines,
            watch: Stopwatch,
        ): BareGraphs {
            val bundle = Bundle.open(File(order.root).canonicalFile, order.manifestSha256)
            val target = bundle.target(checkNotNull(order.target))
            val pipeline = Pipeline(bundle.manifest, target, checkNotNull(Strategies.find(target.strategy)))
            val weights = StoredWeights(bundle.root, target, CheckedFiles.verify(bundle.root, target.files, keep = target.weights))
            val subject = BareGraphs(pipeline, engines.of(order, target).open(bundle.root, target), weights, images)
            order.queries.forEach(subject::learn)
            watch.lap("open")
            return subject
        }
    }
}

/** One image `[1, C, H, W]` in memory of its own. */
internal fun tensorOf(
    images: Images,
    image: Int,
): Tensor {
    val numbers = images[image]
    val bytes = ByteBuffer.allocateDirect(Float.SIZE_BYTES * numbers.remaining()).order(ByteOrder.nativeOrder())
    bytes.asFloatBuffer().put(numbers)
    return Tensor(DType.FLOAT32, listOf(1) + images.shape, bytes)
}

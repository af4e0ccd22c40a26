package io.github.mvmoe.bench.subjects

import io.github.mvmoe.bench.EngineChoice
import io.github.mvmoe.bench.Engines
import io.github.mvmoe.bench.Images
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.Routes
import io.github.mvmoe.bench.Stopwatch
import io.github.mvmoe.bench.SubjectOrder
import io.github.mvmoe.bundle.readTarget
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.json.Field
import io.github.mvmoe.json.JsonPath
import io.github.mvmoe.json.StrictJson
import java.io.File

/**
 * Graphs from image to answer, of a directory that the planner has made; those that the queries need are loaded at once.
 *
 * They run through the library's own engine, with its options and bindings, so that only what is compared differs.
 */
internal class WholeModel private constructor(
    private val runner: Runner,
    private val loaded: List<LoadedGraph>,
    private val calls: Map<String, BoundGraph>,
    private val input: Tensor,
    private val outputs: Map<String, Tensor>,
    private val images: Images,
    private val pick: (Query) -> String,
) : Subject {
    override val actual: EngineChoice = runner.choice()

    /** As a dispatcher does: the image goes into the bound buffer, outputs are copies. */
    override fun answer(query: Query): Outputs {
        val call = calls.getValue(pick(query))
        input.floats.duplicate().put(images[query.image])
        call.run()
        return copies(outputs)
    }

    override fun close() {
        loaded.forEach(LoadedGraph::close)
        runner.close()
    }

    companion object {
        /** What the only graph of a directory is called. */
        const val ONE_GRAPH = "whole_model"
        private const val RECORD = "record.json"

        fun open(
            order: SubjectOrder,
            images: Images,
            engines: Engines,
            watch: Stopwatch,
            pick: (Query) -> String,
        ): WholeModel {
            val root = File(order.root)
            val record = readTarget(order.kind, Field(StrictJson.parse(File(root, RECORD).readBytes()), JsonPath("$")))
            val runner = engines.of(order, record).open(root, record)
            val first = record.graphs.first()
            val inputs = first.inputs.associate { it.name to Tensor.allocate(it.dtype, it.shape) }
            val outputs = first.outputs.associate { it.name to Tensor.allocate(it.dtype, it.shape) }
            val graphs = record.graphs.associateBy { it.name }
            val loaded =
                order.queries
                    .map(pick)
                    .distinct()
                    .associateWith { runner.load(graphs.getValue(it)) }
            val calls = loaded.mapValues { it.value.bind(inputs, outputs) }
            watch.lap("open")
            return WholeModel(runner, loaded.values.toList(), calls, inputs.getValue("image"), outputs, images, pick)
        }
    }
}

/** What the static graph of a route, or of a route for each routed stage, is called. */
internal fun staticName(routes: Routes): String = "static_" + routes.joinToString("__") { route -> route.joinToString("_") { "e$it" } }

/** New arrays with what tensors hold now. */
internal fun copies(tensors: Map<String, Tensor>): Outputs =
    tensors.mapValues { (_, tensor) -> FloatArray(tensor.floats.capacity()).also { tensor.floats.duplicate().get(it) } }

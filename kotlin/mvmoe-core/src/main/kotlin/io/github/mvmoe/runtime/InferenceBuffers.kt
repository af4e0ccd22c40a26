package io.github.mvmoe.runtime

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.IMAGE
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.bundle.ROUTER_LOGITS
import io.github.mvmoe.bundle.TensorSpec
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import io.github.mvmoe.strategies.GatesWriter
import io.github.mvmoe.strategies.slotInput
import java.io.Closeable
import java.nio.FloatBuffer

/**
 * What the first image of a route runs at a stage.
 *
 * @property gates writes its gates.
 * @property experts the graphs that fill slots, in the order of the slots.
 * @property last the graph that gives what the stage gives; null where the route finishes images.
 * @property ownsLast whether no other step has the last graph's site.
 */
internal class Step(
    val gates: GatesWriter,
    val experts: List<CallSite>,
    val last: CallSite?,
    private val ownsLast: Boolean,
) : Closeable {
    override fun close() {
        if (ownsLast) last?.close()
    }
}

/** One of the model's outputs in the buffers: a tensor `[B, ...]`, by the manifest's name of it. */
internal class ModelOutput(
    val spec: OutputSpec,
    val tensorName: String,
    tensor: Tensor,
) {
    /** The shape of it for one image. */
    val shape: List<Int> = tensor.shape.drop(1)
    private val size = shape.fold(1, Int::times)
    private val view: FloatBuffer = tensor.floats.duplicate()

    /** A copy of the first image's values. */
    fun values(): FloatArray {
        view.rewind()
        return FloatArray(size).also { view.get(it) }
    }
}

/**
 * The tensors of one inference in flight, made once and used again; a dispatcher keeps as many sets as calls ever ran at once.
 *
 * What a stage gives and later ones take is one tensor: nothing is copied between two graphs. Graphs of one stage share the
 * inputs that have the same name, shape and type. All are filled with zeros at first, which is what `steering` stays.
 */
internal class InferenceBuffers(
    private val pipeline: Pipeline,
    private val graphs: GraphCache,
) : Closeable {
    private data class OwnTensor(
        val stage: Int,
        val name: String,
        val shape: List<Int>,
        val dtype: DType,
    )

    private val own = HashMap<OwnTensor, Tensor>()
    private val inputs = HashMap<Graph, Map<String, Tensor>>()
    private val sites = HashMap<Pair<Graph, Int?>, CallSite>()
    private val known = pipeline.rules.map { KnownSteps() }
    private var callersImage: Tensor? = null

    /** The input of the stem `[B, C, H, W]`. */
    val image: Tensor =
        pipeline
            .graphOfAll(0)
            .inputs
            .first { it.name == IMAGE }
            .let(::allocate)

    /** For each stage its outputs, by the names that its graphs have for them. */
    val outputs: List<Map<String, Tensor>> =
        pipeline.stages.indices.map { stage -> pipeline.givingGraph(stage).outputs.associate { it.name to allocate(it) } }

    /** Every tensor that stages pass on, by the manifest's name of it. */
    val tensors: Map<String, Tensor> =
        pipeline.stages.zip(outputs).fold(mapOf(IMAGE to image)) { found, (stage, given) ->
            found + given.mapKeys { stage.gives.getValue(it.key) }
        }

    /** For each routed stage the logits `[E]` of the first image; empty where there is no router. */
    val firstLogits: List<FloatBuffer> =
        pipeline.stages.drop(1).map { stage ->
            if (stage.router == null) FloatBuffer.allocate(0) else row(tensors.getValue(stage.router), 0)
        }

    /** The logits of all routers for the first image, where they are inside of the graph. */
    val firstInnerLogits: FloatBuffer? = if (pipeline.innerRouting == null) null else row(tensors.getValue(ROUTER_LOGITS), 0)

    /** For each stage the model's outputs of images for which it was the last. */
    val results: List<List<ModelOutput>> =
        pipeline.stages.indices.map { last ->
            pipeline.manifest.outputs.mapNotNull { output ->
                pipeline.tensorOf(output, last)?.let { ModelOutput(output, it, tensors.getValue(it)) }
            }
        }

    val laps = Laps()

    private val stem = site(pipeline.graphOfAll(0), null)
    private val stemOnCallersImage =
        graphs.site(
            pipeline.graphOfAll(0),
            { inputs(pipeline.graphOfAll(0)) + (IMAGE to checkNotNull(callersImage)) },
            outputs[0],
        )

    /** What runs the stem on [image]; or on a caller's image `[1, C, H, W]`, which it reads where it lies. */
    fun stem(callersImage: Tensor?): CallSite {
        if (callersImage == null) return stem
        if (this.callersImage !== callersImage) {
            stemOnCallersImage.close()
            this.callersImage = callersImage
        }
        return stemOnCallersImage
    }

    /** What a graph takes beside weights, by name. */
    fun inputs(graph: Graph): Map<String, Tensor> =
        inputs.getOrPut(graph) {
            graph.inputs.filter { it.name !in graph.bound }.associate { it.name to input(graph.stage, it) }
        }

    /** What a graph gives: its stage's outputs, or the inputs of a slot of the graph that joins. */
    fun outputs(
        graph: Graph,
        slot: Int?,
    ): Map<String, Tensor> =
        if (slot == null) {
            outputs[graph.stage]
        } else {
            graph.outputs.associate { it.name to ownTensor(graph.stage, slotInput(slot, it.name), it) }
        }

    /** What runs a graph that serves images whatever their weights; what it gives goes into a slot, or is what its stage gives. */
    fun site(
        graph: Graph,
        slot: Int?,
    ): CallSite = sites.getOrPut(graph to slot) { graphs.site(graph, { inputs(graph) }, outputs(graph, slot)) }

    /** What the first image of a route runs at a stage; kept for the most recently learned routes. */
    fun step(
        stage: Int,
        route: Route,
    ): Step = known[stage - 1][route] ?: learn(stage, route).also { known[stage - 1][route] = it }

    /** Gives up all bindings to these tensors. */
    override fun close() {
        closeAll(sites.values + stemOnCallersImage + known.flatMap { it.values })
    }

    private fun learn(
        stage: Int,
        route: Route,
    ): Step {
        if (pipeline.isFinished(stage, route)) return Step({}, emptyList(), null, false)
        val graphs = pipeline.serving(stage, route)
        val last = graphs.last()
        val experts = graphs.dropLast(1).mapIndexed { slot, graph -> site(graph, slot) }
        val writer = pipeline.strategy.writer(inputs(last), route)
        if (last.bound.isEmpty()) return Step(writer, experts, site(last, null), false)
        val bound = this.graphs.boundSite(last, route, { inputs(last) }, outputs[stage])
        return Step(writer, experts, bound, true)
    }

    /** The tensor of an input: one that a stage before gave, or one of the stage's own. */
    private fun input(
        stage: Int,
        spec: TensorSpec,
    ): Tensor =
        pipeline.stages[stage].takes[spec.name]?.let { tensors.getValue(it) }
            ?: ownTensor(stage, spec.name, spec)

    private fun ownTensor(
        stage: Int,
        name: String,
        spec: TensorSpec,
    ): Tensor = own.getOrPut(OwnTensor(stage, name, spec.shape, spec.dtype)) { allocate(spec) }

    /** The steps of the routes that were learned last: a rule may have far more routes than memory has room for. */
    private class KnownSteps : LinkedHashMap<Route, Step>() {
        override fun removeEldestEntry(eldest: MutableMap.MutableEntry<Route, Step>): Boolean {
            if (size <= MOST_KNOWN) return false
            eldest.value.close()
            return true
        }
    }

    private companion object {
        const val MOST_KNOWN = 4096
    }
}

/** One image's part of a tensor `[B, ...]` of fp32, as all of a buffer. */
internal fun row(
    tensor: Tensor,
    image: Int,
): FloatBuffer {
    val size = tensor.floats.capacity() / tensor.shape[0]
    val view = tensor.floats.duplicate()
    view.position(image * size).limit((image + 1) * size)
    return view.slice()
}

private fun allocate(spec: TensorSpec): Tensor = Tensor.allocate(spec.dtype, spec.shape)

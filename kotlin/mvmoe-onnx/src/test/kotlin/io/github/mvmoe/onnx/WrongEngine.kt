package io.github.mvmoe.onnx

import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import java.io.File
import java.io.RandomAccessFile
import java.nio.ByteOrder
import java.nio.channels.FileChannel

internal typealias Tensors = Map<String, Tensor>

/** Something that a port of a dispatcher gets wrong between two graphs; what it leaves alone is right. */
internal open class Wrong {
    /** The graph that is loaded instead of another. */
    open fun graph(
        right: Graph,
        target: Target,
    ): Graph = right

    /** What the graph is given instead of these inputs. */
    open fun inputs(
        bundle: OpenedBundle,
        graph: Graph,
        right: Tensors,
    ): Tensors = right

    /** Writes other numbers into the inputs before a run; the numbers that were there come back after it. */
    open fun before(inputs: Tensors) {}

    /** Writes other numbers into what a run gave. */
    open fun after(outputs: Tensors) {}
}

/** Where a target is. */
internal class OpenedBundle(
    val root: File,
    val target: Target,
)

/** An engine that answers as a wrong dispatcher would. */
internal class WrongEngine(
    private val right: Engine,
    private val wrong: Wrong,
) : Engine {
    override val format: String get() = right.format

    override fun open(
        root: File,
        target: Target,
    ): Runner {
        val runner = right.open(root, target)
        return object : Runner by runner {
            override fun load(graph: Graph): LoadedGraph {
                val loaded = runner.load(wrong.graph(graph, target))
                return WrongGraph(OpenedBundle(root, target), graph, loaded, wrong)
            }
        }
    }
}

private class WrongGraph(
    private val bundle: OpenedBundle,
    private val graph: Graph,
    private val loaded: LoadedGraph,
    private val wrong: Wrong,
) : LoadedGraph by loaded {
    override fun bind(
        inputs: Tensors,
        outputs: Tensors,
    ): BoundGraph {
        val bound = loaded.bind(wrong.inputs(bundle, graph, inputs), outputs)
        // Weights in a mapped file cannot be written.
        val own = inputs.filterKeys { it !in graph.bound }
        return object : BoundGraph by bound {
            override fun run() {
                val kept = own.mapValues { it.value.numbers() }
                wrong.before(own)
                bound.run()
                wrong.after(outputs)
                for ((name, numbers) in kept) own.getValue(name).put(numbers)
            }
        }
    }
}

/** Engines that are wrong as the dispatchers in `tests/support/wrong_answers.py` are, each with the bundles that must show it. */
internal object WrongEngines {
    class Case(
        private val name: String,
        val bundles: List<String>,
        val wrong: () -> Wrong,
    ) {
        override fun toString(): String = name
    }

    private val routed = listOf("dispatch", "experts", "bind", "two_stages")
    private val ofTwo = listOf("experts", "bind", "two_stages")

    val cases: List<Case> =
        listOf(
            Case("gates of 1", routed) { GatesAre { gates -> FloatArray(gates.size) { 1f } } },
            Case("gates in the other order", ofTwo) { GatesAre(FloatArray::reversedArray) },
            Case("the graph of the next route", listOf("dispatch", "experts", "two_stages"), ::NextRoute),
            Case("slots in the other order", listOf("experts")) { SlotsAre { slot -> 1 - slot } },
            Case("the first expert in every slot", listOf("experts")) { SlotsAre { 0 } },
            Case("weights in the other order", listOf("bind")) { WeightsOfPlaces { place -> 1 - place } },
            Case("weights of the experts after which the graph is named", listOf("bind"), ::WeightsOfTheFirstExperts),
            Case("weights of the route before", listOf("bind"), ::WeightsOfTheRouteBefore),
            Case("the image of the call before", routed, ::ImageOfTheCallBefore),
            Case("logits with the other sign", routed, ::LowestExperts),
            Case("steering that is left over", listOf("in_graph"), ::SteeringLeftOver),
            Case("routers in the other order", listOf("in_graph"), ::RoutersInTheOtherOrder),
        )

    private class GatesAre(
        private val wrong: (FloatArray) -> FloatArray,
    ) : Wrong() {
        override fun before(inputs: Tensors) {
            inputs["gates"]?.let { it.put(wrong(it.numbers())) }
        }
    }

    private class NextRoute : Wrong() {
        override fun graph(
            right: Graph,
            target: Target,
        ): Graph {
            val alike = target.graphs.filter { it.stage == right.stage && (it.route == null) == (right.route == null) }
            return alike[(alike.indexOf(right) + 1) % alike.size]
        }
    }

    private class SlotsAre(
        private val wrong: (Int) -> Int,
    ) : Wrong() {
        override fun inputs(
            bundle: OpenedBundle,
            graph: Graph,
            right: Tensors,
        ): Tensors = right.mapValues { (name, tensor) -> if (name.startsWith("slot")) right.getValue(other(name)) else tensor }

        private fun other(name: String) = "slot${wrong(name[4].digitToInt())}${name.drop(5)}"
    }

    private class WeightsOfPlaces(
        private val wrong: (Int) -> Int,
    ) : Wrong() {
        override fun inputs(
            bundle: OpenedBundle,
            graph: Graph,
            right: Tensors,
        ): Tensors =
            right.mapValues { (name, tensor) ->
                val bound = graph.bound[name] ?: return@mapValues tensor
                right.getValue(
                    graph.bound.entries
                        .first { it.value.place == wrong(bound.place) && it.value.tensor == bound.tensor }
                        .key,
                )
            }
    }

    private class WeightsOfTheFirstExperts : Wrong() {
        override fun inputs(
            bundle: OpenedBundle,
            graph: Graph,
            right: Tensors,
        ): Tensors = right.mapValues { (name, tensor) -> graph.bound[name]?.let { first(bundle, graph, it.place, it.tensor) } ?: tensor }

        private fun first(
            bundle: OpenedBundle,
            graph: Graph,
            expert: Int,
            name: String,
        ): Tensor {
            val stored =
                bundle.target.experts[graph.stage - 1][expert]
                    .tensors
                    .getValue(name)
            val bytes = stored.shape.fold(stored.dtype.bytes.toLong()) { product, size -> product * size }
            val mapped =
                RandomAccessFile(File(bundle.root, checkNotNull(bundle.target.weights)), "r").use {
                    it.channel.map(FileChannel.MapMode.READ_ONLY, stored.offset, bytes)
                }
            return Tensor(stored.dtype, stored.shape, mapped.order(ByteOrder.nativeOrder()))
        }
    }

    private class WeightsOfTheRouteBefore : Wrong() {
        private var kept: Tensors? = null

        override fun inputs(
            bundle: OpenedBundle,
            graph: Graph,
            right: Tensors,
        ): Tensors {
            if (graph.bound.isEmpty()) return right
            val before = kept ?: right.filterKeys { it in graph.bound }.also { kept = it }
            return right + before
        }
    }

    private class ImageOfTheCallBefore : Wrong() {
        private var before: FloatArray? = null

        override fun before(inputs: Tensors) {
            val image = inputs["image"] ?: return
            val now = image.numbers()
            image.put(before ?: FloatArray(now.size))
            before = now
        }
    }

    private class LowestExperts : Wrong() {
        override fun after(outputs: Tensors) {
            outputs["logits"]?.let { logits -> logits.put(logits.numbers().map { -it }.toFloatArray()) }
        }
    }

    private class SteeringLeftOver : Wrong() {
        override fun before(inputs: Tensors) {
            inputs["steering"]?.let { steering -> steering.put(FloatArray(steering.floats.capacity()) { it.toFloat() }) }
        }
    }

    private class RoutersInTheOtherOrder : Wrong() {
        override fun after(outputs: Tensors) {
            val logits = outputs["router_logits"] ?: return
            val right = logits.numbers()
            logits.put(FloatArray(right.size) { right[(it + right.size / 2) % right.size] })
        }
    }
}

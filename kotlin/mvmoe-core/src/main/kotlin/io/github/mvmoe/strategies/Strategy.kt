package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/** The shape of an input, and the types that it may have. */
internal class TensorType(
    val shape: List<Int>,
    val dtypes: Set<DType>,
)

/** Writes the gates of one image into the inputs of its graph, and whatever else its route needs there. */
internal fun interface GatesWriter {
    fun write(gates: FloatArray)
}

/**
 * Which graphs a routed stage has, what they take, and how a route is put into it (`docs/bundle.md`, *Tensors of the graphs*).
 *
 * One object a strategy, found by its name in a manifest ([Strategies.find]). A graph is told by its route; null is the graph
 * that serves all. The inputs of a graph are tensors of stages before it, those of slots, those of [inputs], and, where
 * weights are bound, those of the experts of its route.
 */
internal interface Strategy {
    val name: String

    /** Whether no graph reads the weights of an expert that is not on the image's route. */
    val separatesExperts: Boolean get() = false

    /** Whether graphs take the weights of their route's experts as inputs; each then serves all routes of its length. */
    val bindsWeights: Boolean get() = false

    /** Whether routers can be inside of its graphs, which then are one. */
    val routesInGraph: Boolean get() = false

    /** The graphs of one routed stage, lazily. */
    fun graphs(rule: Rule): Sequence<Route?> = sequenceOf(null)

    /**
     * Which of [graphs] serve the images of a route, in the order in which they run.
     *
     * The last one gives what the stage gives. Of a strategy with slots there is one before it for each expert of the route,
     * in the order of the route: the first one fills slot 0.
     */
    fun serving(route: Route): List<Route?> = listOf(null)

    /**
     * How many experts' graphs the last graph of a route joins; 0 where one graph serves it.
     *
     * What the graph of the expert at place j of the route gives are inputs of the last graph, each under [slotInput].
     */
    fun slots(rule: Rule): Int = 0

    /** Whether what one of [graphs] gives fills slots of another, which joins them. */
    fun isJoined(
        rule: Rule,
        graph: Route?,
    ): Boolean = slots(rule) > 0 && graph != null

    /** Whether a bundle has one of [graphs], where images on the routes in [finishes] run none. */
    fun isNeeded(
        rule: Rule,
        graph: Route?,
        finishes: Collection<Route>,
    ): Boolean = true

    /** The first of the rule's routes that one of [graphs] serves, but for those in [finishes]; null if it serves none. */
    fun example(
        rule: Rule,
        graph: Route?,
        finishes: Collection<Route> = emptyList(),
    ): Route? = rule.routes().filter { graph in serving(it) }.firstOrNull { it !in finishes }

    /** What one of [graphs] takes beside the tensors of stages before it, slots and weights, in order. */
    fun inputs(
        rule: Rule,
        graph: Route?,
        batch: Int,
    ): Map<String, TensorType>

    /**
     * What writes a route with its gates into the inputs of its graph, for the image at [position] of the batch.
     *
     * It is made once for a route and a binding, so that nothing is looked up or made between two graphs. Slots that a shorter
     * route leaves have gates of 0 and content that is finite after each `write`. One writer is never used by two threads at
     * a time.
     */
    fun writer(
        inputs: Map<String, Tensor>,
        route: Route,
        position: Int = 0,
    ): GatesWriter

    /** Writes the route and gates of the image at [position]. */
    fun write(
        inputs: Map<String, Tensor>,
        position: Int,
        route: Route,
        gates: FloatArray,
    ): Unit = writer(inputs, route, position).write(gates)
}

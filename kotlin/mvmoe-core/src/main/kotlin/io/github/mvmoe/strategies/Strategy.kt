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

/** Writes the gates of the image at place 0 into the inputs of its graph. */
internal fun interface GatesWriter {
    fun write(gates: FloatArray)
}

/**
 * Which graphs a routed stage has, what they take, and how a route is put into it (`docs/bundle.md`, *Tensors of the graphs*).
 *
 * One object a strategy, found by its name in a manifest. A graph is told by its route; null is the graph that serves all.
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
    fun graphs(rule: Rule): Sequence<Route?>

    /**
     * Which of [graphs] serve the images of a route, in the order in which they run.
     *
     * The last one gives what the stage gives; those before it fill its slots, the first one slot 0.
     */
    fun serving(route: Route): List<Route?>

    /** How many experts' graphs the last graph of a route joins; 0 where one graph serves it. */
    fun slots(rule: Rule): Int = 0

    /** Whether a bundle has one of [graphs], where images on the routes in [finishes] run none. */
    fun isNeeded(
        rule: Rule,
        graph: Route?,
        finishes: Collection<Route>,
    ): Boolean = true

    /** What one of [graphs] takes beside the tensors of stages before it, slots and weights, in order. */
    fun inputs(
        rule: Rule,
        graph: Route?,
        batch: Int,
    ): Map<String, TensorType>

    /** Writes the route and gates of the image at [position] into the inputs of its graph. */
    fun write(
        inputs: Map<String, Tensor>,
        position: Int,
        route: Route,
        gates: FloatArray,
    )

    /** What writes as [write] does for the image at position 0; made once a route, so that nothing is looked up later. */
    fun writer(
        inputs: Map<String, Tensor>,
        route: Route,
    ): GatesWriter = GatesWriter { gates -> write(inputs, 0, route, gates) }
}

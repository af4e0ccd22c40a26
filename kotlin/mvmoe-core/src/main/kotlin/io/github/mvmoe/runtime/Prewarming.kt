package io.github.mvmoe.runtime

import io.github.mvmoe.EngineException
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.routing.Route

/** Loads what fits, the most used first, and runs it once on whatever is in the buffers (`docs/dispatcher.md`, *Prewarming*). */
internal class Prewarming(
    private val pipeline: Pipeline,
    private val graphs: GraphCache,
    private val buffers: InferenceBuffers,
    private val isClosing: () -> Boolean,
) {
    fun run() {
        if (graphs.takesWeights) runBound()
        for (graph in byUsage()) {
            if (isClosing()) return
            if (graphs.hasRoom(graph)) runIfItDoes(buffers.site(graph, if (pipeline.isJoined(graph)) 0 else null))
        }
    }

    /** An expert that does not load or run is passed over: the images that need it have its error. */
    private fun runIfItDoes(site: CallSite) {
        try {
            site.run(buffers.laps, Part.LOAD, Part.EXPERT)
        } catch (_: EngineException) {
        }
    }

    /** Runs every graph that takes weights with those of the route that is used most. */
    private fun runBound() {
        for (graph in pipeline.target.graphs.filter { it.stage > 0 }) {
            if (isClosing()) return
            val step = buffers.step(graph.stage, mostUsedRoute(graph) ?: firstRoute(graph))
            runIfItDoes(checkNotNull(step.last))
        }
    }

    private fun mostUsedRoute(graph: Graph): Route? =
        pipeline.manifest.usagePrior
            ?.get(graph.stage - 1)
            ?.filter { serves(graph, it.route) }
            ?.maxByOrNull { it.share }
            ?.route

    private fun firstRoute(graph: Graph): Route =
        pipeline.rules[graph.stage - 1].routesOf(checkNotNull(graph.route).size).first { serves(graph, it) }

    private fun serves(
        graph: Graph,
        route: Route,
    ) = !pipeline.isFinished(graph.stage, route) && pipeline.strategy.serving(route).last() == graph.route

    /** The graphs of single routes, pinned ones first, in descending order of the share of images that run them. */
    private fun byUsage(): List<Graph> {
        val shares = HashMap<Pair<Int, Route?>, Double>()
        for ((stage, items) in pipeline.manifest.usagePrior
            .orEmpty()
            .withIndex()) {
            for (item in items) {
                if (graphs.takesWeights || pipeline.isFinished(stage + 1, item.route)) continue
                for (place in pipeline.strategy.serving(item.route)) shares.merge(stage + 1 to place, item.share, Double::plus)
            }
        }
        val pinned = graphs.pinned
        return graphs.routed.sortedWith(compareBy({ it.name !in pinned }, { -(shares[it.stage to it.route] ?: 0.0) }))
    }
}

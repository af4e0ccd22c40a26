package io.github.mvmoe.runtime

import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.Manifest
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.bundle.Stage
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.bundle.graphStages
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule
import io.github.mvmoe.strategies.InnerRouting
import io.github.mvmoe.strategies.Strategy

/** What one target's graphs are to each other: the stages that they are, and the graphs of each route. */
internal class Pipeline(
    val manifest: Manifest,
    val target: Target,
    val strategy: Strategy,
) {
    /** The stages between which the host selects routes; one where the routers are inside of the graph. */
    val stages: List<Stage> = graphStages(manifest, target)

    /** The rules by which it does, for each stage behind the stem. */
    val rules: List<Rule> = stages.mapNotNull { it.rule }

    /** The routers inside of the graph; null where there are none. */
    val innerRouting: InnerRouting? = if (target.routersInGraph) InnerRouting(manifest.rules) else null

    private val finishes: List<Set<Route>> = stages.map { it.finishes.toHashSet() }
    private val byRoute: List<Map<Route?, Graph>> =
        target.graphs.groupBy { it.stage }.let { found -> stages.indices.map { found.getValue(it).associateBy(Graph::route) } }
    private val stageOf: Map<String, Int> =
        stages.withIndex().flatMap { (index, stage) -> stage.gives.values.map { it to index } }.toMap()

    /** The graph of a stage that serves all routes; the stem's for stage 0. */
    fun graphOfAll(stage: Int): Graph = byRoute[stage].getValue(null)

    /** The graphs that images of a route run at a stage, in order: all but the last fill its slots, the first one slot 0. */
    fun serving(
        stage: Int,
        route: Route,
    ): List<Graph> = strategy.serving(route).map { byRoute[stage].getValue(it) }

    /** Whether what a graph gives fills slots of another one of its stage. */
    fun isJoined(graph: Graph): Boolean = graph.stage > 0 && graph.route != null && strategy.slots(rules[graph.stage - 1]) > 0

    /** Whether an image on a route of a stage runs neither it nor any after it. */
    fun isFinished(
        stage: Int,
        route: Route,
    ): Boolean = route in finishes[stage]

    /** A graph that gives what a stage gives. */
    fun givingGraph(stage: Int): Graph = if (stage == 0) graphOfAll(0) else serving(stage, firstRoute(stage)).last()

    /** The tensor that an output is for an image which has run the stages up to [last]; null where no stage has given one. */
    fun tensorOf(
        output: OutputSpec,
        last: Int,
    ): String? = output.tensors.lastOrNull { stageOf.getValue(it) <= last }

    /** The first route on which an image runs a stage. */
    private fun firstRoute(stage: Int): Route = rules[stage - 1].routes().first { !isFinished(stage, it) }
}

package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule
import io.github.mvmoe.strategies.Strategy

/** Every stage has exactly the graphs of the target's strategy. */
internal fun checkGraphs(
    target: Target,
    strategy: Strategy,
    stages: List<Stage>,
) {
    requireDistinct(target.graphs.map { it.name }, "graph of target ${target.name}")
    val found = List(stages.size) { ArrayList<Route?>() }
    for (graph in target.graphs) {
        checkGraph(graph, target, stages.size)
        found[graph.stage].add(graph.route)
    }
    stages.forEachIndexed { index, stage -> checkComplete(target, stage, found[index], strategy) }
}

private fun checkGraph(
    graph: Graph,
    target: Target,
    stages: Int,
) {
    requireConsistent(graph.stage < stages, Fault(ErrorCode.BUNDLE_GRAPHS_MISMATCH, "target" to target.name)) {
        "graph ${graph.name} of target ${target.name} is of stage ${graph.stage}, and there are $stages"
    }
    requireConsistent(graph.exclusiveBytes <= graph.weightBytes) {
        "graph ${graph.name} of target ${target.name} has more exclusive bytes than bytes of weights"
    }
}

/** A stage has each graph of the strategy once, and no other. */
private fun checkComplete(
    target: Target,
    stage: Stage,
    found: List<Route?>,
    strategy: Strategy,
) {
    val where = "stage ${stage.name} of target ${target.name}"
    val fault = Fault(ErrorCode.BUNDLE_GRAPHS_MISMATCH, "target" to target.name, "stage" to stage.name)
    requireDistinct(found, "graph of $where", fault)
    val left = found.toHashSet()
    // Ends at the first graph that is missing: there may be more routes than memory holds.
    for (route in graphsOf(strategy, stage)) {
        requireConsistent(left.remove(route), fault.with("route" to route?.take(MOST_SHOWN))) {
            "$where has no graph ${served(route)}"
        }
    }
    requireConsistent(left.isEmpty(), fault) { "$where has a graph ${served(left.first())}, which it cannot have" }
}

/** The graphs of a stage, lazily: those of the strategy that some image which runs the stage needs. */
internal fun graphsOf(
    strategy: Strategy,
    stage: Stage,
): Sequence<Route?> {
    val rule = stage.rule ?: return sequenceOf(null)
    val finishes = stage.finishes.toHashSet()
    return strategy.graphs(rule).filter { strategy.isNeeded(rule, it, finishes) }
}

private fun served(route: Route?): String = if (route == null) "for all routes" else "for the route ${brief(route)}"

/** The bytes of experts are there for each expert of each routed stage, or not at all. */
internal fun checkExpertBytes(
    target: Target,
    strategy: Strategy,
    rules: List<Rule>,
) {
    val found =
        target.sizes
            ?.expertBytes
            .orEmpty()
            .map { it.size }
    if (found.isEmpty()) return
    val wanted = if (strategy.separatesExperts) rules.map { it.experts } else emptyList()
    requireConsistent(found == wanted) {
        "target ${target.name} has the bytes of ${brief(found)} experts by stage, where ${brief(wanted)} are expected with the " +
            "strategy ${target.strategy}"
    }
}

package io.github.mvmoe.strategies

import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/**
 * `bind`: a graph for each length of route, named by the first experts of that length; the experts' weights are its inputs.
 *
 * All images of a batch have one route.
 */
internal object BindStrategy : RouteGraphs() {
    override val name: String get() = "bind"

    override val bindsWeights: Boolean get() = true

    override fun graphs(rule: Rule): Sequence<Route?> = rule.lengths.asSequence().map(Route::first)

    override fun serving(route: Route): List<Route?> = listOf(Route.first(route.size))

    override fun isNeeded(
        rule: Rule,
        graph: Route?,
        finishes: Collection<Route>,
    ): Boolean = example(rule, graph, finishes) != null

    override fun example(
        rule: Rule,
        graph: Route?,
        finishes: Collection<Route>,
    ): Route? = graph?.let { rule.routesOf(it.size).firstOrNull { route -> route !in finishes } }
}

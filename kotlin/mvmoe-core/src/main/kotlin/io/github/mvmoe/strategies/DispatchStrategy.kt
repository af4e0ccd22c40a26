package io.github.mvmoe.strategies

import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/** `dispatch`: a graph for each route, with the experts of that route alone. */
internal object DispatchStrategy : RouteGraphs() {
    override val name: String get() = "dispatch"

    override fun graphs(rule: Rule): Sequence<Route?> = rule.routes()

    override fun serving(route: Route): List<Route?> = listOf(route)

    override fun isNeeded(
        rule: Rule,
        graph: Route?,
        finishes: Collection<Route>,
    ): Boolean = graph !in finishes

    override fun example(
        rule: Rule,
        graph: Route?,
        finishes: Collection<Route>,
    ): Route? = graph
}

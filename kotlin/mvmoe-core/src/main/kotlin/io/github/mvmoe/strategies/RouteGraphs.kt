package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

internal const val GATES = "gates"

internal val FLOAT32 = setOf(DType.FLOAT32)

/** A base of strategies whose graphs take the gates `[B, k]` of one route, in its order. */
internal abstract class RouteGraphs : Strategy {
    final override val separatesExperts: Boolean get() = true

    final override fun inputs(
        rule: Rule,
        graph: Route?,
        batch: Int,
    ): Map<String, TensorType> {
        val route = requireNotNull(graph) { "a graph of the strategy $name is of a route" }
        return mapOf(GATES to TensorType(listOf(batch, route.size), FLOAT32))
    }

    final override fun writer(
        inputs: Map<String, Tensor>,
        route: Route,
        position: Int,
    ): GatesWriter {
        val row = GatesRow(inputs.getValue(GATES), position)
        return GatesWriter(row::fill)
    }
}

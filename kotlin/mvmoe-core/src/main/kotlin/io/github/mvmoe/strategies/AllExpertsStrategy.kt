package io.github.mvmoe.strategies

import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/** `all-experts`: one graph computes every expert, and takes a gate for each `[B, E]`; those of 0 mask what is not on the route. */
internal object AllExpertsStrategy : Strategy {
    override val name: String get() = "all-experts"

    override val routesInGraph: Boolean get() = true

    override fun inputs(
        rule: Rule,
        graph: Route?,
        batch: Int,
    ): Map<String, TensorType> = mapOf(GATES to TensorType(listOf(batch, rule.experts), FLOAT32))

    override fun writer(
        inputs: Map<String, Tensor>,
        route: Route,
        position: Int,
    ): GatesWriter {
        val row = GatesRow(inputs.getValue(GATES), position)
        return GatesWriter { gates -> row.scatter(route, gates) }
    }
}

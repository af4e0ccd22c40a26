package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/**
 * `gather`: one graph gathers the weights of a route's experts by their numbers.
 *
 * It takes gates `[B, K]` and the experts they are of, K being the length of the longest route; a shorter route is filled up
 * with gates of 0.
 */
internal object GatherStrategy : Strategy {
    override val name: String get() = "gather"

    override val routesInGraph: Boolean get() = true

    override fun inputs(
        rule: Rule,
        graph: Route?,
        batch: Int,
    ): Map<String, TensorType> {
        val shape = listOf(batch, rule.longest)
        return mapOf(GATES to TensorType(shape, FLOAT32), EXPERTS to TensorType(shape, INTEGERS))
    }

    override fun writer(
        inputs: Map<String, Tensor>,
        route: Route,
        position: Int,
    ): GatesWriter {
        val gatesRow = GatesRow(inputs.getValue(GATES), position)
        val expertsRow = ExpertsRow(inputs.getValue(EXPERTS), position)
        return GatesWriter { gates ->
            gatesRow.fill(gates)
            expertsRow.fill(route)
        }
    }

    private const val EXPERTS = "experts"

    /** int32 for an engine that has no others. */
    private val INTEGERS = setOf(DType.INT64, DType.INT32)
}

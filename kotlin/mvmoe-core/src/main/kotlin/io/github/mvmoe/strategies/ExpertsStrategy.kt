package io.github.mvmoe.strategies

import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/**
 * `experts`: a graph for each expert that some route has, and one that joins those of a route.
 *
 * The joining graph takes what experts gave in slots, and gates `[B, K]`, K being the length of the longest route.
 */
internal object ExpertsStrategy : Strategy {
    override val name: String get() = "experts"

    override val separatesExperts: Boolean get() = true

    override fun graphs(rule: Rule): Sequence<Route?> = rule.usable.asSequence().map { Route.of(it) } + null

    override fun serving(route: Route): List<Route?> = route.map { Route.of(it) } + null

    override fun slots(rule: Rule): Int = rule.longest

    override fun isNeeded(
        rule: Rule,
        graph: Route?,
        finishes: Collection<Route>,
    ): Boolean = graph !in finishes || slots(rule) > 1

    override fun inputs(
        rule: Rule,
        graph: Route?,
        batch: Int,
    ): Map<String, TensorType> = if (graph == null) mapOf(GATES to TensorType(listOf(batch, rule.longest), FLOAT32)) else emptyMap()

    override fun writer(
        inputs: Map<String, Tensor>,
        route: Route,
        position: Int,
    ): GatesWriter {
        val row = GatesRow(inputs.getValue(GATES), position)
        // What stands in a slot from an image before need not be finite, and would not be so times 0.
        val unused = inputs.filterKeys { name -> slotOf(name).let { it != null && it >= route.size } }
        val slots = unused.map { (_, tensor) -> BytesRow(tensor, position) }.toTypedArray()
        return GatesWriter { gates ->
            row.fill(gates)
            for (slot in slots) slot.clear()
        }
    }
}

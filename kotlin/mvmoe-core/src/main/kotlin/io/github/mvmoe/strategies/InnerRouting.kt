package io.github.mvmoe.strategies

import io.github.mvmoe.routing.Rule
import io.github.mvmoe.routing.Selection
import java.nio.FloatBuffer

/**
 * The routes that a graph with routers inside has taken, as the host sees them afterwards (`docs/bundle.md`, *Routers inside of
 * the graph*).
 *
 * @param rules those of the model's routed stages.
 */
internal class InnerRouting(
    private val rules: List<Rule>,
) {
    private val columns: List<IntRange> =
        rules.runningFold(0) { end, rule -> end + rule.experts }.zipWithNext { begin, end ->
            begin until
                end
        }

    /** The logits `[E]` of each router: views of an image's row `[sum of E]` of `router_logits`. */
    fun logits(row: FloatBuffer): List<FloatBuffer> = columns.map { part(row, it) }

    /**
     * The routes of an image and their gates, by the rules on its row of `router_logits`.
     *
     * The engine may have decided otherwise between experts that are as good as equal.
     *
     * @throws io.github.mvmoe.RoutingException for logits that are not finite.
     */
    fun select(row: FloatBuffer): List<Selection> = rules.mapIndexed { stage, rule -> rule.select(part(row, columns[stage])) }

    private fun part(
        row: FloatBuffer,
        columns: IntRange,
    ): FloatBuffer {
        val part = row.duplicate()
        part.limit(columns.last + 1)
        part.position(columns.first)
        return part.slice()
    }
}

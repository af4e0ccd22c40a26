package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.Manifest
import io.github.mvmoe.bundle.Stage
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.routing.Rule

/**
 * The stages that a target's graphs are.
 *
 * With the routers on the host they are the stages of the model. With the routers inside of graphs there is one graph of the
 * whole model (`docs/bundle.md`, *Routers inside of the graph*). Beside the image it takes [STEERING], which is added to the
 * logits of all routers, one after the other: of zeros each image takes its own routes. It gives those logits as they were.
 */
internal object GraphStages {
    /** The input of the model. */
    const val IMAGE = "image"

    /** The input `[B, sum of E]` (fp32). */
    const val STEERING = "steering"

    /** The output `[B, sum of E]` (fp32), and the tensor that it is. */
    const val ROUTER_LOGITS = "router_logits"

    /** The stages that the graphs of a target are, in order. */
    fun of(
        manifest: Manifest,
        target: Target,
    ): List<Stage> = if (target.routersInGraph) listOf(wholeStage(manifest)) else manifest.stages

    /** The type of [STEERING] and [ROUTER_LOGITS] of a model with these rules. */
    fun steeringType(
        rules: List<Rule>,
        batch: Int,
    ): TensorType = TensorType(listOf(batch, rules.sumOf { it.experts }), FLOAT32)

    /** Where the logits of each router are in a row of [ROUTER_LOGITS]. */
    fun columnsOf(rules: List<Rule>): List<IntRange> {
        val ends = rules.runningFold(0) { end, rule -> end + rule.experts }
        return ends.zipWithNext { begin, end -> begin until end }
    }

    private fun wholeStage(manifest: Manifest): Stage {
        // Without routes that finish images an output is one tensor.
        val outputs = manifest.outputs.associate { it.name to it.tensors.last() }
        return Stage(
            name = manifest.stages.last().name,
            rule = null,
            router = null,
            takes = mapOf(IMAGE to IMAGE),
            gives = outputs + (ROUTER_LOGITS to ROUTER_LOGITS),
            finishes = emptyList(),
        )
    }
}

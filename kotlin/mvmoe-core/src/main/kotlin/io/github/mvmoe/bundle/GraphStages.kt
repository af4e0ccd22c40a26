package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Rule
import io.github.mvmoe.strategies.TensorType

/** The tensor that the input is, `[B, C, H, W]`. */
internal const val IMAGE: String = "image"

/** With routers inside of a graph, the input that is added to their logits: `[B, sum of E]`. */
internal const val STEERING: String = "steering"

/** With routers inside of a graph, the output with their logits as they were: `[B, sum of E]`. */
internal const val ROUTER_LOGITS: String = "router_logits"

/** The stages that the graphs of a target are: those of the model, or one that is all of it where routers are inside. */
internal fun graphStages(
    manifest: Manifest,
    target: Target,
): List<Stage> {
    if (!target.routersInGraph) return manifest.stages
    // Without routes that finish images an output is one tensor: its last.
    val given = manifest.outputs.associate { it.name to it.tensors.last() } + (ROUTER_LOGITS to ROUTER_LOGITS)
    return listOf(Stage(manifest.stages.last().name, null, null, mapOf(IMAGE to IMAGE), given, emptyList()))
}

/** The type of [STEERING] and [ROUTER_LOGITS] of a model with these rules. */
internal fun steeringType(
    rules: List<Rule>,
    batch: Int,
): TensorType = float32(listOf(batch, rules.sumOf { it.experts }))

/** The index of the stage that gives each tensor. */
internal fun stageOfTensors(stages: List<Stage>): Map<String, Int> {
    val found = HashMap<String, Int>()
    stages.forEachIndexed { index, stage -> stage.gives.values.forEach { found[it] = index } }
    return found
}

/** A tensor of fp32. */
internal fun float32(shape: List<Int>): TensorType = TensorType(shape, setOf(DType.FLOAT32))

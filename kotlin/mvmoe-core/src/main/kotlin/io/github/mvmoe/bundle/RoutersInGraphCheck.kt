package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.routing.CallersRule
import io.github.mvmoe.strategies.Strategy

/** One graph can have the routers of this model inside, and its strategy can. */
internal fun checkRoutersInGraph(
    target: Target,
    strategy: Strategy,
    manifest: Manifest,
) {
    val fault = Fault(ErrorCode.BUNDLE_ROUTERS_MISMATCH, "target" to target.name)
    requireConsistent(strategy.routesInGraph && manifest.rules.isNotEmpty(), fault) {
        "target ${target.name} has its routers in a graph, which a model without routers, or the strategy ${strategy.name}, cannot have"
    }
    for (stage in manifest.stages) {
        requireConsistent(stage.finishes.isEmpty() && stage.rule !is CallersRule, fault) {
            "target ${target.name} has its routers in a graph, but stage ${stage.name} finishes images or leaves routes to the caller"
        }
    }
    val isTaken = manifest.outputs.any { it.name == STEERING || it.name == ROUTER_LOGITS }
    requireConsistent(!isTaken && ROUTER_LOGITS !in stageOfTensors(manifest.stages), fault) {
        "target ${target.name} has its routers in a graph, and the model has a tensor or an output called $ROUTER_LOGITS or $STEERING"
    }
}

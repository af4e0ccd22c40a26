package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.routing.Choices

/** The stem has no rule, every stage after it has one; names are distinct; tensors are given before they are taken. */
internal fun checkStages(stages: List<Stage>) {
    requireConsistent(stages.first().rule == null && stages.drop(1).all { it.rule != null }) {
        "the stages are not the stem without a rule and then routed steps with one each"
    }
    requireDistinct(stages.map { it.name }, "stage")
    stages.forEach(::checkFinishes)
    requireConsistent(stages.first().takes == mapOf(IMAGE to IMAGE)) {
        "the stem takes ${brief(stages.first().takes.entries)}; expected the $IMAGE alone, under that name"
    }
    checkChoices(stages)
    val known = hashSetOf(IMAGE)
    for (stage in stages) {
        checkFlow(stage, known)
        known.addAll(stage.gives.values)
    }
}

/** One choice is made for all stages that name it. */
private fun checkChoices(stages: List<Stage>) {
    val choice = Choices.contradiction(stages.mapNotNull { it.rule }) ?: return
    throw inconsistent(
        "stages with the choice $choice differ in their names, or in whether a router decides otherwise; one choice is made for all of them",
    )
}

/** The routes that finish an image are some of the rule's, and not all. */
private fun checkFinishes(stage: Stage) {
    if (stage.finishes.isEmpty()) return
    val fault = Fault(ErrorCode.BUNDLE_FINISHES_INVALID, "stage" to stage.name)
    val rule = stage.rule ?: throw inconsistent("stage ${stage.name} has no rule, yet finishes images", fault)
    requireDistinct(stage.finishes, "finishing route of stage ${stage.name}", fault)
    for (route in stage.finishes) {
        requireConsistent(route in rule, fault) {
            "stage ${stage.name} finishes images on the route ${brief(route)}, which its rule (${rule.describe()}) does not have"
        }
    }
    val finishes = stage.finishes.toHashSet()
    requireConsistent(rule.routes().any { it !in finishes }, fault) {
        "stage ${stage.name} finishes images on every route, so that it never runs"
    }
}

/** A stage takes tensors that stages before it give, and gives new ones. */
private fun checkFlow(
    stage: Stage,
    known: Set<String>,
) {
    checkRouter(stage, known)
    for (tensor in stage.takes.values) {
        requireConsistent(tensor in known, tensorFault(ErrorCode.BUNDLE_TENSOR_UNKNOWN, stage, tensor)) {
            "stage ${stage.name} takes the tensor $tensor, which no stage before it gives"
        }
    }
    val given = HashSet<String>()
    for (tensor in stage.gives.values) {
        requireConsistent(given.add(tensor) && tensor !in known, tensorFault(ErrorCode.BUNDLE_TENSOR_GIVEN_TWICE, stage, tensor)) {
            "stage ${stage.name} gives the tensor $tensor, which is given already"
        }
    }
    val both = stage.takes.keys.filter { it in stage.gives }
    requireConsistent(both.isEmpty()) { "graphs of stage ${stage.name} take and give ${brief(both)} under one name" }
}

private fun checkRouter(
    stage: Stage,
    known: Set<String>,
) {
    val hasRouter = stage.rule?.let(Choices::routerOf) != null
    requireConsistent((stage.router != null) == hasRouter) {
        "stage ${stage.name} ${if (hasRouter) "has a rule that takes logits, and no router" else "has a router, and no rule that takes logits"}"
    }
    val router = stage.router ?: return
    requireConsistent(router in known && router != IMAGE, tensorFault(ErrorCode.BUNDLE_TENSOR_UNKNOWN, stage, router)) {
        "stage ${stage.name} is routed by the tensor $router, which no stage before it gives"
    }
}

private fun tensorFault(
    code: ErrorCode,
    stage: Stage,
    tensor: String,
) = Fault(code, "stage" to stage.name, "tensor" to tensor)

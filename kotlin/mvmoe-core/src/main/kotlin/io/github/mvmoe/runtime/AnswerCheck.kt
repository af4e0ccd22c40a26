package io.github.mvmoe.runtime

import io.github.mvmoe.EngineCheck
import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.bundle.Manifest
import io.github.mvmoe.bundle.Target

/** Compares what an engine answered with the golden vectors, image by image. */
internal fun checkAnswers(
    golden: GoldenAnswers,
    answered: List<Answered>,
    manifest: Manifest,
    target: Target,
): EngineCheck {
    val bounds = boundsOf(target)
    val ways = WayCheck(golden, manifest.rules, bounds.routerError).waysOf(answered)
    val arrived = ways.imagesWith(WayEnd.ARRIVED)
    val outputs = if (arrived.isEmpty()) emptyList() else manifest.outputs
    val checked = outputs.associate { it.name to OutputCheck(golden, it, bounds).check(answered, arrived) }
    return EngineCheck(
        images = answered.size,
        rerouted = ways.imagesWith(WayEnd.REROUTED),
        nearTies = ways.imagesWith(WayEnd.NEAR_TIE),
        routerError = ways.routerError,
        routerErrorBound = bounds.routerError,
        answerError = checked.values.maxOfOrNull { it.error } ?: 0.0,
        answerErrorBound = bounds.answerError,
        outputs = checked,
    )
}

/** Those of the target, with the errors that the export was verified by, if it was. */
private fun boundsOf(target: Target): Bounds {
    val bounds = target.bounds
    val verified = target.parity?.verification ?: return bounds
    return Bounds(
        routerError = verified.routerErrorBound,
        answerError = verified.answerErrorBound,
        psnrDb = bounds.psnrDb,
        agreement = bounds.agreement,
        routingAgreement = bounds.routingAgreement,
        ownErrorFactor = bounds.ownErrorFactor,
        conditionedError = bounds.conditionedError,
        reason = bounds.reason,
    )
}

package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.strategies.Strategies
import io.github.mvmoe.strategies.Strategy

/**
 * The fields of a manifest against each other (`docs/bundle.md`, *Consistency*), in the order of steps given there.
 *
 * A manifest may be hostile: each check takes time and memory proportional to its size, whatever numbers it holds.
 */
internal object Consistency {
    /** @throws io.github.mvmoe.BundleException with the first fault. */
    fun check(manifest: Manifest) {
        checkStages(manifest.stages)
        checkOutputs(manifest)
        checkUsagePrior(manifest)
        checkRestrictions(manifest.restrictions)
        checkPaths(manifest)
        checkFiles(manifest)
        val shapes = OutputShapes()
        for (target in manifest.targets.values) checkTarget(target, manifest, shapes)
        checkKinds(manifest, shapes)
        checkGoldenSize(manifest, shapes)
    }

    private fun checkTarget(
        target: Target,
        manifest: Manifest,
        shapes: OutputShapes,
    ) {
        val strategy = Strategies.find(target.strategy) ?: throw unknownStrategy(target)
        if (target.routersInGraph) checkRoutersInGraph(target, strategy, manifest)
        checkGraphs(target, strategy, graphStages(manifest, target))
        checkExpertBytes(target, strategy, manifest.rules)
        checkCompression(target, manifest.rules)
        checkTensors(target, strategy, manifest, shapes)
        checkRanges(target, strategy, manifest.rules)
        checkBound(target, manifest.stages)
    }

    private fun unknownStrategy(target: Target) =
        inconsistent(
            "target ${target.name} is of the strategy ${target.strategy}; this release has ${Strategies.names.joinToString()}: " +
                "use another target, or a release that has the strategy",
            Fault(ErrorCode.BUNDLE_UNKNOWN_STRATEGY, "name" to target.strategy, "installed" to Strategies.names),
        )
}

/** The strategy of a target that was checked. */
internal fun strategyOf(target: Target): Strategy = checkNotNull(Strategies.find(target.strategy))

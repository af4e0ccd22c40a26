package io.github.mvmoe.bench.own

import io.github.mvmoe.bench.Encodable
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.Parity
import io.github.mvmoe.bundle.RouteShare
import io.github.mvmoe.bundle.Sizes
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.bundle.Verification
import io.github.mvmoe.bundle.VerifiedOutput
import io.github.mvmoe.outputs.OutputKinds

/** What a report says of a bundle without having it; of its targets those parts of `mvmoe inspect --json` that reports read. */
internal class BundleRecord(
    private val name: String,
    private val bundle: Bundle,
) : Encodable {
    override fun fields(): Map<String, Any?> {
        val manifest = bundle.manifest
        return linkedMapOf(
            "name" to name,
            "sha256" to bundle.manifestSha256,
            "model" to manifest.model.name,
            "family" to manifest.model.family,
            "params_total" to manifest.model.paramsTotal,
            "params_active" to manifest.model.paramsActive,
            "macs" to manifest.model.macs,
            "experts" to manifest.rules.map { it.experts },
            "labels" to manifest.outputs.firstOrNull { OutputKinds.find(it.kind)?.classifies == true }?.labels,
            "usage_prior" to manifest.usagePrior?.map { it.map(::shareFields) },
            "targets" to manifest.targets.mapValues { targetFields(it.value) },
        )
    }
}

private fun shareFields(share: RouteShare): Map<String, Any?> = linkedMapOf("route" to share.route, "share" to share.share)

private fun targetFields(target: Target): Map<String, Any?> =
    linkedMapOf(
        "format" to target.format,
        "options" to target.options,
        "rewrites" to target.rewrites,
        "strategy" to target.strategy,
        "routers" to if (target.routersInGraph) "in-graph" else "host",
        "precision" to target.precision,
        "batch" to target.batch,
        "graphs" to target.graphs.map { linkedMapOf("name" to it.name, "stage" to it.stage, "route" to it.route) },
        "bytes" to target.files.sumOf { it.bytes },
        "sizes" to target.sizes?.let(::sizeFields),
        "parity" to target.parity?.let(::parityFields),
    )

private fun sizeFields(sizes: Sizes): Map<String, Any?> =
    linkedMapOf("distinct" to sizes.distinctBytes, "shared" to sizes.sharedBytes, "experts" to sizes.expertBytes)

private fun parityFields(parity: Parity): Map<String, Any?> =
    linkedMapOf(
        "graphs" to parity.graphs,
        "max_abs_error" to parity.maxAbsError,
        "tolerance" to parity.tolerance,
        "verification" to parity.verification?.let(::verificationFields),
    )

private fun verificationFields(found: Verification): Map<String, Any?> =
    linkedMapOf(
        "images" to found.images,
        "routing_agreement" to found.routingAgreement,
        "router_error" to found.routerError,
        "router_error_bound" to found.routerErrorBound,
        "answer_error" to found.answerError,
        "answer_error_bound" to found.answerErrorBound,
        "outputs" to found.outputs.mapValues { outputFields(it.value) },
        "near_ties" to found.nearTies,
        "forced_routes" to found.forcedRoutes,
    )

private fun outputFields(output: VerifiedOutput): Map<String, Any?> =
    linkedMapOf(
        "kind" to output.kind,
        "measure" to output.measure,
        "agreement" to output.agreement,
        "max_abs_error" to output.maxAbsError,
        "max_rel_error" to output.maxRelError,
        "rms_error" to output.rmsError,
        "psnr_db" to output.psnrDb,
    )

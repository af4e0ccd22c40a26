package io.github.mvmoe.bundle

import io.github.mvmoe.json.JsonArray
import io.github.mvmoe.json.JsonBoolean
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonString
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.routing.Given
import io.github.mvmoe.routing.RouterRule
import io.github.mvmoe.routing.Rule

/** What a reader has read, as `read` of a valid bundle has it; all numbers are doubles. */
internal fun summaryOf(manifest: Manifest): Any? =
    plain(
        mapOf(
            "input" to inputOf(manifest.input),
            "rules" to manifest.rules.map(::ruleOf),
            "finishes" to manifest.stages.map { it.finishes },
            "outputs" to manifest.outputs.map(::outputOf),
            "restrictions" to manifest.restrictions.map(::restrictionOf),
            "targets" to manifest.targets.mapValues { targetOf(it.value) },
        ),
    )

/** Plain data of JSON, to be compared with the same of a manifest. */
internal fun plainOf(value: JsonValue): Any? =
    when (value) {
        is JsonObject -> value.members.mapValues { plainOf(it.value) }
        is JsonArray -> value.items.map(::plainOf)
        is JsonString -> value.text
        is JsonNumber -> value.text.toDouble()
        is JsonBoolean -> value.value
        JsonNull -> null
    }

private fun plain(value: Any?): Any? =
    when (value) {
        is Map<*, *> -> value.mapValues { plain(it.value) }
        is List<*> -> value.map(::plain)
        is Number -> value.toDouble()
        else -> value
    }

private fun inputOf(input: InputSpec) =
    mapOf(
        "height" to input.height,
        "width" to input.width,
        "channel_order" to input.channelOrder.id,
        "resize" to input.resize,
        "crop_fraction" to input.cropFraction,
        "resize_size" to input.resizeSize,
        "pad_level" to input.padLevel,
        "pad_place" to input.padPlace,
        "pad_rounding" to input.padRounding,
        "interpolation" to input.interpolation,
        "mean" to input.mean,
        "std" to input.std,
    )

private fun ruleOf(rule: Rule): Map<String, Any?> {
    val own: Map<String, Any?> =
        when (rule.name) {
            "top_k" -> mapOf("k" to rule["k"], "renormalize" to rule["renormalize"], "unit_gates" to rule["unitGates"])
            "top_p" -> mapOf("p" to rule["p"], "k_max" to rule["kMax"], "renormalize" to rule["renormalize"])
            "threshold" -> mapOf("thresholds" to (rule["thresholds"] as FloatArray).toList())
            else -> givenOf(rule as Given)
        }
    val kept = if (rule is RouterRule) mapOf("kept" to rule.kept?.toList()) else emptyMap()
    return own + kept + mapOf("type" to rule.name, "experts" to rule.experts)
}

private fun restrictionOf(restriction: Restriction) =
    mapOf(
        "stage" to restriction.stage,
        "rule" to ruleOf(restriction.rule),
        "route" to restriction.route,
        "kept" to restriction.kept,
    )

private fun givenOf(rule: Given) = mapOf("choice" to rule.choice, "routes" to rule.named, "otherwise" to rule.otherwise?.let(::ruleOf))

/** What a rule keeps to itself: no program needs it but this comparison. */
private operator fun Rule.get(field: String): Any? = javaClass.getDeclaredField(field).apply { isAccessible = true }.get(this)

private fun outputOf(output: OutputSpec) =
    mapOf("name" to output.name, "kind" to output.kind, "tensors" to output.tensors, "labels" to output.labels)

private fun targetOf(target: Target) =
    mapOf(
        "bounds" to boundsOf(target.bounds),
        "compression" to target.compression?.let(::compressionOf),
        "accuracy" to
            target.parity
                ?.verification
                ?.accuracy
                ?.let(::accuracyOf),
        "experts" to target.experts.map { it.map(::expertOf) },
        "routers" to if (target.routersInGraph) "in-graph" else "host",
        "graphs" to
            target.graphs.map { listOf(it.stage, it.route, it.file, it.entry, it.bound.mapValues { bound -> boundOf(bound.value) }) },
    )

private fun boundsOf(bounds: Bounds) =
    mapOf(
        "router_error" to bounds.routerError,
        "answer_error" to bounds.answerError,
        "psnr_db" to bounds.psnrDb,
        "agreement" to bounds.agreement,
        "routing_agreement" to bounds.routingAgreement,
        "own_error_factor" to bounds.ownErrorFactor,
        "conditioned_error" to bounds.conditionedError,
        "reason" to bounds.reason,
    )

private fun compressionOf(compression: Compression) =
    mapOf(
        "weights" to compression.weights,
        "activations" to compression.activations,
        "layers" to compression.layers,
        "left" to compression.left.map(::leftOf),
        "plain_bytes" to compression.plainBytes,
        "smoothed" to compression.smoothed,
        "calibration" to compression.calibration?.let(::calibrationOf),
    )

private fun leftOf(left: LeftLayer) =
    mapOf("graph" to left.graph, "operator" to left.operator, "layer" to left.layer, "reason" to left.reason)

private fun calibrationOf(calibration: Calibration) =
    mapOf(
        "images" to calibration.images,
        "sha256" to calibration.sha256,
        "routed" to calibration.routed,
        "forced" to calibration.forced,
    )

private fun accuracyOf(accuracy: VerifiedAccuracy) =
    mapOf(
        "images" to accuracy.images,
        "reference" to accuracy.reference,
        "target" to accuracy.target,
        "least_loss" to accuracy.leastLoss,
        "most_loss" to accuracy.mostLoss,
    )

private fun expertOf(expert: ExpertWeights) =
    mapOf(
        "offset" to expert.offset,
        "bytes" to expert.bytes,
        "tensors" to
            expert.tensors.mapValues { mapOf("offset" to it.value.offset, "shape" to it.value.shape, "dtype" to it.value.dtype.id) },
    )

private fun boundOf(bound: BoundInput) = mapOf("place" to bound.place, "tensor" to bound.tensor)

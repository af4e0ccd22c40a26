package io.github.mvmoe.runtime

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.Target

/**
 * The target of a bundle that an engine of [format] runs: [wanted], or the one that is called as the format, or else the first
 * of that format.
 *
 * @throws BundleException where there is none (`bundle.no-target`).
 */
internal fun targetOf(
    bundle: Bundle,
    format: String,
    wanted: String?,
): Target {
    val targets = bundle.manifest.targets.values
    val candidates = targets.filter { it.format == format && (wanted == null || it.name == wanted) }
    return candidates.firstOrNull { it.name == format } ?: candidates.firstOrNull() ?: throw noTarget(bundle, format, wanted)
}

private fun noTarget(
    bundle: Bundle,
    format: String,
    wanted: String?,
): BundleException {
    val available =
        bundle.manifest.targets.keys
            .sorted()
    val shown =
        bundle.manifest.targets.values
            .joinToString { "${it.name} (${it.format})" }
    val asked = if (wanted == null) "target" else "target $wanted"
    return BundleException(
        ErrorCode.BUNDLE_NO_TARGET,
        "bundle ${bundle.root} has no $asked of the engine's format $format; it has $shown: export it with --target $format, or give " +
            "the engine of another target",
        mapOf("target" to (wanted ?: format), "available" to available),
    )
}

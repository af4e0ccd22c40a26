package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Rule

/** What a target says of its compression fits its graphs and the rules, and of its accuracy makes sense. */
internal fun checkCompression(
    target: Target,
    rules: List<Rule>,
) {
    target.compression?.let { compression ->
        checkLeft(target, compression.left)
        compression.calibration?.let { checkCalibration(target, it, rules) }
    }
    target.parity
        ?.verification
        ?.accuracy
        ?.let { checkAccuracy(target, it) }
}

/** Layers that were left are of graphs that the target has. */
private fun checkLeft(
    target: Target,
    left: List<LeftLayer>,
) {
    val graphs = target.graphs.mapTo(HashSet()) { it.name }
    for (layer in left) {
        requireConsistent(layer.graph in graphs) {
            "target ${target.name} has a layer that was not compressed in graph ${layer.graph}, which it does not have"
        }
    }
}

/** Images are counted for each expert of each routed stage. */
private fun checkCalibration(
    target: Target,
    calibration: Calibration,
    rules: List<Rule>,
) {
    val wanted = rules.map { it.experts }
    for ((name, rows) in listOf("routed" to calibration.routed, "forced" to calibration.forced)) {
        val found = rows.map { it.size }
        requireConsistent(found == wanted) {
            "the calibration of target ${target.name} has the $name images of ${brief(found)} experts by stage, where ${brief(wanted)} " +
                "are expected"
        }
    }
}

/** The interval of what is lost begins before it ends. */
private fun checkAccuracy(
    target: Target,
    accuracy: VerifiedAccuracy,
) {
    requireConsistent(accuracy.leastLoss <= accuracy.mostLoss) {
        "target ${target.name} loses at least ${accuracy.leastLoss} and at most ${accuracy.mostLoss} of its accuracy; expected the " +
            "smaller number first"
    }
}

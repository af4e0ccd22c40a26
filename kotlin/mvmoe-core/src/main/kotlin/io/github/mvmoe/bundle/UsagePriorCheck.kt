package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Rule
import kotlin.math.abs

/** The usage prior has a row for each rule: its routes, each once, with shares that sum to 1. */
internal fun checkUsagePrior(manifest: Manifest) {
    val prior = manifest.usagePrior ?: return
    val rules = manifest.rules
    requireConsistent(prior.size == rules.size) {
        "the usage prior has ${prior.size} stages; expected ${rules.size}, one for each routed stage"
    }
    prior.zip(rules).forEachIndexed { index, (shares, rule) -> checkRow(shares, rule, "routed stage ${index + 1} of the usage prior") }
}

private fun checkRow(
    shares: List<RouteShare>,
    rule: Rule,
    where: String,
) {
    for (item in shares) {
        requireConsistent(
            item.route in rule,
        ) { "$where has the route ${brief(item.route)}, which its rule (${rule.describe()}) does not have" }
    }
    requireDistinct(shares.map { it.route }, "route of $where")
    val total = shares.sumOf { it.share }
    requireConsistent(abs(total - 1) < TOLERANCE) { "$where has shares that sum to $total; expected 1" }
}

private const val TOLERANCE = 1e-3

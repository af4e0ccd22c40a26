package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.isAscending

/** Restrictions are of distinct stages in ascending order; each says one thing, which the rule that the stage had allows. */
internal fun checkRestrictions(restrictions: List<Restriction>) {
    requireConsistent(restrictions.zipWithNext().all { (one, next) -> one.stage < next.stage }) {
        "the restrictions are of stages that are listed twice, or not in ascending order"
    }
    restrictions.forEach(::checkRestriction)
}

private fun checkRestriction(restriction: Restriction) {
    val (rule, route, kept) = Triple(restriction.rule, restriction.route, restriction.kept)
    val where = "the restriction of stage ${restriction.stage}"
    requireConsistent((route == null) != (kept == null)) { "$where has a route and kept experts, or neither" }
    requireConsistent(kept == null || isAscending(Route.owning(kept.toIntArray()), rule.experts)) {
        "$where keeps other experts than its ${rule.experts}, or not in ascending order"
    }
    requireConsistent(route == null || route in rule) {
        "$where has the route ${brief(route)}, which its rule (${rule.describe()}) does not have"
    }
}

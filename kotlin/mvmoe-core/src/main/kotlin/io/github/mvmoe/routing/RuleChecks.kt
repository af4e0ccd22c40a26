package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException

/** Whether a route is at least one of [experts] experts, each above the one before. */
internal fun isAscending(
    route: Route,
    experts: Int,
): Boolean {
    var least = 0
    for (place in 0 until route.size) {
        val expert = route.expertAt(place)
        if (expert < least || expert >= experts) return false
        least = expert + 1
    }
    return route.size > 0
}

/** Refuses a route that [rule] cannot give; [where] names what has it. */
internal fun requireRoute(
    route: Route,
    rule: Rule,
    where: String,
) {
    if (route in rule) return
    throw InputException(
        ErrorCode.ROUTING_UNKNOWN_ROUTE,
        "$where has the route ${shown(route)}; expected a route of its rule (${rule.describe()}), the experts in ascending order",
        mapOf("route" to route.take(MOST_SHOWN)),
    )
}

/** A route for a message: of a long one the beginning only. */
internal fun shown(route: Route): String = route.joinToString(prefix = "[", postfix = "]", limit = MOST_SHOWN)

/** Refuses values of a rule that leave no route. */
internal inline fun requireRule(
    holds: Boolean,
    message: () -> String,
) {
    if (!holds) throw InputException(ErrorCode.ROUTING_RULE_INVALID, message())
}

/** The numbers of experts that a rule may have. */
internal val EXPERTS = 1..4096

private const val MOST_SHOWN = 16

package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import java.math.BigInteger
import java.nio.FloatBuffer

/**
 * A rule by which the logits of a router decide. Its routes are all sets of as many experts as one of its lengths says.
 *
 * @param lengthsOfRoutes how many experts a route may have.
 */
internal abstract class RouterRule(
    final override val experts: Int,
    private val lengthsOfRoutes: IntRange,
) : Rule {
    init {
        requireRule(experts in EXPERTS) { "a rule has $experts experts; give a number from ${EXPERTS.first} to ${EXPERTS.last}" }
    }

    final override val longest: Int get() = lengthsOfRoutes.last

    final override val lengths: List<Int> = lengthsOfRoutes.toList()

    private val routesSeen = RouteCache()

    final override fun count(): BigInteger = countOfSets(experts, lengthsOfRoutes)

    final override fun routes(): Sequence<Route> = lengths.asSequence().flatMap { combinations(experts, it) }

    final override fun routesOf(length: Int): Sequence<Route> =
        if (length in lengthsOfRoutes) combinations(experts, length) else emptySequence()

    final override fun contains(route: Route): Boolean = route.size in lengthsOfRoutes && isAscending(route, experts)

    final override fun gates(
        route: Route,
        logits: FloatBuffer,
    ): FloatArray {
        requireLogits(logits, experts)
        requireRoute(route, this, "what was asked for")
        return formula(route, logits)
    }

    /** The gates of some experts, which need not be a route of this rule: a caller may have named them. */
    fun gatesOfNamed(
        route: Route,
        logits: FloatBuffer,
    ): FloatArray {
        requireLogits(logits, experts)
        return formula(route, logits)
    }

    /** Step 4 of *Routing* for experts in ascending order, of finite logits. */
    protected abstract fun formula(
        route: Route,
        logits: FloatBuffer,
    ): FloatArray

    /** The route of experts that were selected, in whichever order they are. */
    protected fun routeOf(selected: IntArray): Route {
        selected.sort()
        return routesSeen.of(selected)
    }
}

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

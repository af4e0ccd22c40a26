package io.github.mvmoe.routing

import java.math.BigInteger
import java.nio.FloatBuffer

/**
 * A rule by which the logits of a router decide. Its routes are all sets of as many experts as one of its lengths says, of those
 * that it keeps.
 *
 * @param lengthsOfRoutes how many experts a route may have.
 * @property kept the experts that it selects from, in ascending order; null for all.
 */
internal abstract class RouterRule(
    final override val experts: Int,
    private val lengthsOfRoutes: IntRange,
    val kept: IntArray? = null,
) : Rule {
    init {
        requireRule(experts in EXPERTS) { "a rule has $experts experts; give a number from ${EXPERTS.first} to ${EXPERTS.last}" }
        requireKept(kept, experts, lengthsOfRoutes.first, name)
    }

    /** How many experts it selects from. */
    protected val usableCount: Int = if (kept == null) experts else kept.size

    final override val usable: List<Int> = kept?.asList() ?: FirstExperts(experts)

    final override val longest: Int get() = lengthsOfRoutes.last

    final override val lengths: List<Int> = lengthsOfRoutes.toList()

    private val routesSeen = RouteCache()

    final override fun count(): BigInteger = countOfSets(usableCount, lengthsOfRoutes)

    final override fun routes(): Sequence<Route> = lengths.asSequence().flatMap(::sets)

    final override fun routesOf(length: Int): Sequence<Route> = if (length in lengthsOfRoutes) sets(length) else emptySequence()

    final override fun contains(route: Route): Boolean =
        route.size in lengthsOfRoutes && isAscending(route, experts) && (kept == null || route.all { kept.binarySearch(it) >= 0 })

    /** The sets of that many usable experts, in lexicographic order. */
    private fun sets(length: Int): Sequence<Route> {
        val places = combinations(usableCount, length)
        return if (kept == null) places else places.map { set -> Route.owning(IntArray(set.size) { kept[set.expertAt(it)] }) }
    }

    /** The usable expert at a place among them. */
    protected fun usableAt(place: Int): Int = if (kept == null) place else kept[place]

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

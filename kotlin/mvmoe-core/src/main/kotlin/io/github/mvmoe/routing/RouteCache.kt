package io.github.mvmoe.routing

import java.util.concurrent.ConcurrentHashMap

/**
 * One object for each route that a rule has selected, so that a map finds what belongs to it by the object alone.
 *
 * It keeps the first [MOST_KEPT]: a rule of many experts has more routes than memory holds, and one that is not kept is
 * equal all the same.
 */
internal class RouteCache {
    private val known = ConcurrentHashMap<Route, Route>()

    /** The route of experts in ascending order; the array is the route's from now on. */
    fun of(experts: IntArray): Route {
        val route = Route.owning(experts)
        return known[route] ?: kept(route)
    }

    private fun kept(route: Route): Route =
        // `mappingCount` may lag behind by as many threads as there are, which is no matter here.
        if (known.mappingCount() >= MOST_KEPT) route else known.putIfAbsent(route, route) ?: route

    private companion object {
        const val MOST_KEPT = 4096
    }
}

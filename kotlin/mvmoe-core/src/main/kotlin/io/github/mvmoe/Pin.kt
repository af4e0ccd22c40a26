package io.github.mvmoe

import io.github.mvmoe.routing.Route

/** What is not evicted once it is in memory (`docs/dispatcher.md`, *Pins*). */
public class Pin private constructor(
    internal val graph: String?,
    internal val route: Route?,
) {
    override fun equals(other: Any?): Boolean = other is Pin && graph == other.graph && route == other.route

    override fun hashCode(): Int = 31 * graph.hashCode() + route.hashCode()

    override fun toString(): String = graph ?: route.toString()

    public companion object {
        /** The graph of that name in the manifest. */
        @JvmStatic
        public fun graph(name: String): Pin = Pin(name, null)

        /** The graph of these experts in every stage that has one; with the strategy `experts` those of each of them. */
        @JvmStatic
        public fun route(vararg experts: Int): Pin = Pin(null, Route.of(*experts))

        /** The route of that expert alone. */
        @JvmStatic
        public fun expert(number: Int): Pin = route(number)
    }
}

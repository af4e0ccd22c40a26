package io.github.mvmoe.routing

import java.math.BigInteger
import java.nio.FloatBuffer

/**
 * A route with the gate of each of its experts.
 *
 * @property route the experts that the image takes.
 * @property gates the weight of each expert's output, in the order of the route.
 */
public class Selection(
    public val route: Route,
    public val gates: FloatArray,
)

/** Gives an image its route, as a rule does. */
public fun interface Selector {
    /**
     * The route and gates of one image's logits `[E]`.
     *
     * The buffer has exactly E places, from 0 to its limit; its position means nothing. Where a stage has no router, the
     * buffer is empty and is not read.
     *
     * @throws io.github.mvmoe.RoutingException where there are not E logits (`routing.logits-shape`), or one of them is not
     * finite (`routing.not-finite`): there is no default route.
     */
    public fun select(logits: FloatBuffer): Selection
}

/**
 * How the logits of one router become a route (`docs/bundle.md`, *Routing*).
 *
 * A rule does not change and may be used by several threads at once.
 *
 * Invariants:
 * - Every route has at least one expert and at most [longest].
 * - The gates of a selected route are those that [gates] gives: there is one formula, whether a route was selected or imposed.
 * - Gates are finite for any finite logits and any route of the rule.
 */
public interface Rule : Selector {
    /** Its name in a manifest: `top_k`. */
    public val name: String

    /** The number of experts E, which is that of the logits. */
    public val experts: Int

    /** The experts that some route has, in ascending order: all, unless some were dropped. */
    public val usable: List<Int>

    /** The most experts of one route. */
    public val longest: Int

    /** How many experts a route may have, ascending; each has at least one route. */
    public val lengths: List<Int>

    /** The number of routes. It may be astronomically large; the time to say so is not. */
    public fun count(): BigInteger

    /** Every route, lazily: there may be more than memory holds. */
    public fun routes(): Sequence<Route>

    /** The routes of that many experts, lazily; the first of them at once. */
    public fun routesOf(length: Int): Sequence<Route>

    /** Whether a route is one of the rule's. */
    public operator fun contains(route: Route): Boolean

    /**
     * The gates that one image's logits give to the experts of a route that was imposed.
     *
     * @throws io.github.mvmoe.RoutingException as [select] does.
     * @throws io.github.mvmoe.InputException for a route of another rule (`routing.unknown-route`).
     */
    public fun gates(
        route: Route,
        logits: FloatBuffer,
    ): FloatArray

    /**
     * By how much logits keep their route.
     *
     * However all logits are changed, each by less than half of it, the route stays the same. Infinite where nothing changes it.
     *
     * @throws io.github.mvmoe.RoutingException as [select] does.
     */
    public fun margin(logits: FloatBuffer): Double

    /** The rule in a few words for people: `top 2 of 8 experts`. */
    public fun describe(): String
}

package io.github.mvmoe.routing

/**
 * The experts that one image uses at one routed stage, in ascending order.
 *
 * It is a list of integers and equals any other list of the same ones: `answer.routes[0] == listOf(0, 3)`.
 */
public class Route private constructor(
    private val experts: IntArray,
) : AbstractList<Int>(),
    RandomAccess,
    Comparable<Route> {
    private val hash = experts.fold(1) { sum, expert -> 31 * sum + expert }

    override val size: Int get() = experts.size

    override fun get(index: Int): Int = experts[index]

    override fun equals(other: Any?): Boolean = if (other is Route) experts.contentEquals(other.experts) else super.equals(other)

    override fun hashCode(): Int = hash

    /**
     * Expert by expert, a route before those that go on from it.
     *
     * Maps need it, too: routes of an untrusted manifest may all have one hash, and are then found by their order.
     */
    override fun compareTo(other: Route): Int {
        for (place in 0 until minOf(size, other.size)) {
            val order = experts[place].compareTo(other.experts[place])
            if (order != 0) return order
        }
        return size.compareTo(other.size)
    }

    /** The expert at a place, without the box that [get] puts around it. */
    internal fun expertAt(place: Int): Int = experts[place]

    public companion object {
        /** A route of these experts, in the order that is given; a rule says whether it is one of its own. */
        @JvmStatic
        public fun of(vararg experts: Int): Route = Route(experts.copyOf())

        /** A route of an array that nobody writes to any more. */
        internal fun owning(experts: IntArray): Route = Route(experts)

        /** The first experts of a length: `[0, 1]`, which names the graph for all routes of that length. */
        internal fun first(length: Int): Route = Route(IntArray(length) { it })
    }
}

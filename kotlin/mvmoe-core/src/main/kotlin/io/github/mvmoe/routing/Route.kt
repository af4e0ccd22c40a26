package io.github.mvmoe.routing

/**
 * The experts that one image uses at one routed stage, in ascending order.
 *
 * It is a list of integers and equals any other list of the same ones: `answer.routes[0] == listOf(0, 3)`.
 */
public class Route private constructor(
    private val experts: IntArray,
) : AbstractList<Int>(),
    RandomAccess {
    private val hash = experts.fold(1) { sum, expert -> 31 * sum + expert }

    override val size: Int get() = experts.size

    override fun get(index: Int): Int = experts[index]

    override fun equals(other: Any?): Boolean = if (other is Route) experts.contentEquals(other.experts) else super.equals(other)

    override fun hashCode(): Int = hash

    public companion object {
        /** A route of these experts, in the order that is given; a rule says whether it is one of its own. */
        @JvmStatic
        public fun of(vararg experts: Int): Route = Route(experts.copyOf())
    }
}

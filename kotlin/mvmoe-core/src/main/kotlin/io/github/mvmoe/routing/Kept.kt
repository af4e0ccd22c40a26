package io.github.mvmoe.routing

import io.github.mvmoe.json.Fields

/** The experts that a rule selects from, which the field `kept` of a manifest names; null for all of them. */
internal fun readKept(fields: Fields): IntArray? = fields.optional("kept") { field -> field.list(EXPERTS) { it.int(NUMBERS) }.toIntArray() }

/** Refuses kept experts that are not some of all, in ascending order, and enough for a route: all of them are said by null alone. */
internal fun requireKept(
    kept: IntArray?,
    experts: Int,
    fewest: Int,
    name: String,
) {
    if (kept == null) return
    requireRule(isAscending(Route.owning(kept), experts) && kept.size in fewest until experts) {
        "$name keeps the experts ${shown(Route.owning(kept))} of $experts; give $fewest or more of them, fewer than $experts, in " +
            "ascending order"
    }
}

/** What a rule's description says of kept experts: `, only 0, 2 and 5`; nothing of all. */
internal fun onlyKept(kept: IntArray?): String =
    when {
        kept == null -> ""
        kept.size > MOST_NAMED -> ", only ${kept.size} of them"
        kept.size == 1 -> ", only ${kept.single()}"
        else -> ", only ${kept.dropLast(1).joinToString()} and ${kept.last()}"
    }

/** The first [size] experts: a list of them that takes no memory, for a manifest may have millions. */
internal class FirstExperts(
    override val size: Int,
) : AbstractList<Int>(),
    RandomAccess {
    override fun get(index: Int): Int = if (index in 0 until size) index else throw IndexOutOfBoundsException("$index of $size experts")

    override fun contains(element: Int): Boolean = element in 0 until size
}

/** The numbers of experts. */
private val NUMBERS = 0..4095

/** Kept experts that a description names. */
private const val MOST_NAMED = 8

package io.github.mvmoe.routing

import java.math.BigInteger

/** The sets of [length] of [experts] experts in lexicographic order, each made when it is asked for. */
internal fun combinations(
    experts: Int,
    length: Int,
): Sequence<Route> =
    generateSequence(IntArray(length) { it }) { following(it, experts) }
        .map(Route::owning)

/** The number of sets of as many of [experts] experts as one of [lengths] says. */
internal fun countOfSets(
    experts: Int,
    lengths: IntRange,
): BigInteger {
    var sets = BigInteger.ONE
    var total = BigInteger.ZERO
    for (length in 1..lengths.last) {
        val others = (experts - length + 1).toLong()
        sets = sets.multiply(BigInteger.valueOf(others)).divide(BigInteger.valueOf(length.toLong()))
        if (length in lengths) total = total.add(sets)
    }
    return total
}

/** The set after one in lexicographic order; null after the last. */
private fun following(
    set: IntArray,
    experts: Int,
): IntArray? {
    // The last place whose expert can still grow: those behind it are as high as they can be.
    val place = set.indices.lastOrNull { set[it] < experts - set.size + it } ?: return null
    val next = set.copyOf()
    for (each in place until set.size) next[each] = set[place] + 1 + each - place
    return next
}

package io.github.mvmoe.routing

/**
 * The [count] experts with the highest scores, best first; of equal ones the lowest goes first. Those not in [kept] are passed
 * over; null keeps all.
 *
 * In O(E log k) comparisons: k is a few of many experts, so that hardly one in a few finds a place among the best.
 */
internal fun best(
    scores: FloatArray,
    count: Int,
    kept: IntArray? = null,
): IntArray {
    val ranked = IntArray(count)
    var size = 0
    for (index in 0 until if (kept == null) scores.size else kept.size) {
        val expert = if (kept == null) index else kept[index]
        if (size == count && scores[expert] <= scores[ranked[size - 1]]) continue
        val place = placeOf(scores[expert], scores, ranked, size)
        if (size < count) size++
        System.arraycopy(ranked, place, ranked, place + 1, size - 1 - place)
        ranked[place] = expert
    }
    return ranked
}

/** Where a score stands among those of the first [size] of [ranked]: behind all that are as high. */
private fun placeOf(
    score: Float,
    scores: FloatArray,
    ranked: IntArray,
    size: Int,
): Int {
    var low = 0
    var high = size
    while (low < high) {
        val middle = (low + high) ushr 1
        if (scores[ranked[middle]] >= score) low = middle + 1 else high = middle
    }
    return low
}

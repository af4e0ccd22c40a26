package io.github.mvmoe.demo.experts

/**
 * The places of a slider that limits how much is in memory; its last place is no limit.
 *
 * @property steps the limits, ascending: one for each place but the last.
 */
internal class BudgetScale<N : Comparable<N>>(
    private val steps: List<N>,
) {
    /** The number of the last place, where places begin with 0. */
    val last: Int get() = steps.size

    /** The limit of a place; null for none. */
    fun limit(place: Int): N? = steps.getOrNull(place)

    /** The place of a limit: that of the next larger one where it has none of its own. */
    fun place(limit: N?): Int {
        if (limit == null) return last
        return steps.indexOfFirst { it >= limit }.takeIf { it >= 0 } ?: last
    }

    companion object {
        /** How many experts may be in memory: 1, 2, ... of the stage that has most. */
        fun ofExperts(experts: List<Expert>): BudgetScale<Int> {
            val most =
                experts
                    .groupingBy { it.stage }
                    .eachCount()
                    .values
                    .maxOrNull() ?: 0
            return BudgetScale((1 until most).toList())
        }

        /** How many bytes may be in memory: room for the largest expert, for that and the next one, and so on. */
        fun ofBytes(experts: List<Expert>): BudgetScale<Long> {
            val sums = experts.map { it.bytes }.sortedDescending().runningReduce(Long::plus)
            return BudgetScale(sums.dropLast(1).filter { it > 0 }.distinct())
        }
    }
}

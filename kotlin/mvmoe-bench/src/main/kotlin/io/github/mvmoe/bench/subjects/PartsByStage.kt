package io.github.mvmoe.bench.subjects

import io.github.mvmoe.runtime.Laps
import io.github.mvmoe.runtime.Part
import io.github.mvmoe.bench.Laps as LapsLine

/** The parts of one inference, added up by routed stage; to be made as soon as it has ended. */
internal class PartsByStage(
    laps: Laps,
    stages: Int,
) {
    private val total = laps.timings().total
    private val select = LongArray(stages)
    private val load = LongArray(stages)
    private val expert = LongArray(stages)
    private var stem = 0L
    private var impose = 0L

    /** By routed stage, for each graph that ran: the time to have it in memory, and that it took. */
    val graphs: List<MutableList<Pair<Long, Long>>> = List(stages) { ArrayList() }

    init {
        var stage = 0
        for (index in 0 until laps.count) {
            val ns = laps.nanoseconds(index)
            when (laps.part(index)) {
                Part.PREPROCESS -> {}

                Part.STEM -> {
                    stem += ns
                }

                Part.SELECT -> {
                    // A stage may run several graphs, but selects one route.
                    if (index > 0 && laps.part(index - 1) == Part.EXPERT) stage++
                    select[stage] += ns
                }

                Part.IMPOSE -> {
                    impose += ns
                }

                Part.LOAD -> {
                    load[stage] += ns
                }

                Part.EXPERT -> {
                    expert[stage] += ns
                    graphs[stage] += laps.nanoseconds(index - 1) to ns
                }
            }
        }
    }

    /** As a line has them; what it took to impose a route is no part of it. */
    fun laps(): LapsLine {
        val parts = stem + select.sum() + load.sum() + expert.sum()
        return LapsLine(stem, select.toList(), load.toList(), expert.toList(), maxOf(0, total - impose - parts))
    }
}

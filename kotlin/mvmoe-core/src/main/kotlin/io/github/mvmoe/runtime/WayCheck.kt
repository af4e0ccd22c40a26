package io.github.mvmoe.runtime

import io.github.mvmoe.outputs.areFinite
import io.github.mvmoe.routing.Rule
import java.nio.FloatBuffer

/** Compares the routes that images took, and the logits that sent them there, with the golden ones. */
internal class WayCheck(
    private val golden: GoldenAnswers,
    private val rules: List<Rule>,
    private val bound: Double,
) {
    private val peaks = rules.indices.map(::peakOf)
    private var routerError = 0.0

    fun waysOf(answered: List<Answered>): Ways {
        val ends = answered.mapIndexed { image, found -> endOf(found, image) }
        return Ways(ends, routerError)
    }

    private fun peakOf(stage: Int): Peaks {
        val peaks = Peaks()
        for (image in 0 until golden.images) golden.logits(stage + 1, image).forEach { peaks.see(0, it) }
        return peaks
    }

    private fun endOf(
        found: Answered,
        image: Int,
    ): WayEnd {
        for (stage in rules.indices) {
            if (golden.members(stage + 1, image) == null) break // It was finished before.
            val end = stageEnd(found, image, stage)
            if (end != WayEnd.ARRIVED) return end // What comes after it cannot be compared.
        }
        return WayEnd.ARRIVED
    }

    private fun stageEnd(
        found: Answered,
        image: Int,
        stage: Int,
    ): WayEnd {
        val wanted = golden.logits(stage + 1, image)
        val errors = Errors(peaks[stage])
        for (expert in wanted.indices) errors.compare(0, found.logits[stage][expert], wanted[expert])
        routerError = maxOf(routerError, errors.relative())
        val taken = found.routes.getOrNull(stage)
        if (taken == golden.members(stage + 1, image)) return WayEnd.ARRIVED
        val isTie = taken != null && areFinite(wanted) && rules[stage].margin(FloatBuffer.wrap(wanted)) <= errors.limit(0, bound)
        return if (isTie) WayEnd.NEAR_TIE else WayEnd.REROUTED
    }
}

package io.github.mvmoe.runtime

import io.github.mvmoe.CheckedOutput
import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.outputs.OutputKind
import io.github.mvmoe.outputs.OutputKinds

/** One output of the images that took their golden route. */
internal class OutputCheck(
    private val golden: GoldenAnswers,
    private val spec: OutputSpec,
    private val bounds: Bounds,
) {
    private val kind: OutputKind = checkNotNull(OutputKinds.find(spec.kind)) { "the kind ${spec.kind} of a checked manifest is known" }
    private val shape = golden.shape(spec.name)

    fun check(
        answered: List<Answered>,
        images: List<Int>,
    ): CheckedOutput {
        val errors = Errors(peaks())
        for (image in images) compare(errors, answered[image].outputs.getValue(spec.name), golden.output(spec.name, image))
        return CheckedOutput(
            kind = kind.name,
            measure = kind.measure,
            agreement = if (kind.measure == null) null else agreement(answered, images, errors),
            leastAgreement = kind.leastAgreement(bounds),
            error = errors.relative(),
        )
    }

    private fun peaks(): Peaks {
        val peaks = Peaks(kind.parts.size)
        for (image in 0 until golden.images) {
            golden.output(spec.name, image).forEachIndexed { place, wanted -> peaks.see(kind.partOf(place, shape), wanted) }
        }
        return peaks
    }

    private fun compare(
        errors: Errors,
        found: FloatArray,
        wanted: FloatArray,
    ) {
        for (place in wanted.indices) errors.compare(kind.partOf(place, shape), found[place], wanted[place])
    }

    private fun agreement(
        answered: List<Answered>,
        images: List<Int>,
        errors: Errors,
    ): Double {
        val limit = errors.limit(kind.decidingPart, bounds.answerError)
        return kind.summary(
            images.mapNotNull { kind.agreement(answered[it].outputs.getValue(spec.name), golden.output(spec.name, it), shape, limit) },
        )
    }
}

package io.github.mvmoe.demo.bench

import io.github.mvmoe.bench.EngineVariant
import io.github.mvmoe.bench.OwnSubject
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.Target

/**
 * A target of the bundle in one engine: what the user may choose to measure.
 *
 * @property strategy how routing became the target's graphs.
 * @property missing why it cannot be measured here; null where it can.
 */
internal class BenchOption(
    val subject: OwnSubject,
    val strategy: String,
    val missing: Missing?,
) {
    /** Tells it from the others, and in results files. */
    val key: String get() = subject.key

    companion object {
        /** Every target whose files are there, in every way in which the app would run it. */
        fun of(
            bundle: Bundle,
            ways: List<EngineWay>,
        ): List<BenchOption> = (bundle.manifest.targets - bundle.removedTargets().keys).values.flatMap { ofTarget(it, ways) }

        private fun ofTarget(
            target: Target,
            ways: List<EngineWay>,
        ): List<BenchOption> {
            val fitting = ways.filter { it.variant.format == target.format }
            if (fitting.isEmpty()) {
                return listOf(
                    BenchOption(OwnSubject(target.name, EngineVariant(target.format, target.format)), target.strategy, Missing.NO_ENGINE),
                )
            }
            val batched = Missing.SEVERAL_IMAGES.takeIf { target.batch > 1 }
            return fitting.map { BenchOption(OwnSubject(target.name, it.variant), target.strategy, it.missing ?: batched) }
        }
    }
}

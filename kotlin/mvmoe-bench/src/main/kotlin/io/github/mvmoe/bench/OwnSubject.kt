package io.github.mvmoe.bench

import io.github.mvmoe.bundle.Bundle

/**
 * One thing that a run of its own measures: a target of the bundle, run in one way.
 *
 * @property target the bundle's target.
 * @property variant what runs it.
 */
public class OwnSubject(
    public val target: String,
    public val variant: EngineVariant,
) {
    /** Its name in the run's lines and events: `dispatcher onnx (XNNPACK)`. */
    public val key: String = "$KIND $target" + if (variant.label.isEmpty()) "" else " (${variant.label})"

    public companion object {
        internal const val KIND = "dispatcher"

        /** Every target of a bundle that takes one image at a time, in every way in which the device runs it. */
        @JvmStatic
        public fun allOf(
            bundle: Bundle,
            description: DeviceDescription,
        ): List<OwnSubject> =
            bundle.manifest.targets.values.filter { it.batch == 1 }.flatMap { target ->
                description.variants.filter { it.format == target.format }.map { OwnSubject(target.name, it) }
            }
    }
}

package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Rule

/**
 * The whole of `manifest.json` (`docs/bundle.md`); only a reader that has checked it makes one.
 *
 * @property model the model that was exported.
 * @property source where it came from.
 * @property input the input, and what makes it from an image.
 * @property stages the steps of inference, stem first.
 * @property outputs what the model gives, in the order in which it declares it.
 * @property targets the graphs of each target by the target's name, in the manifest's order.
 * @property usagePrior for each routed stage which routes are used how often; null where nothing is known.
 * @property golden the golden vectors.
 * @property restrictions what the export has fixed of the model's routing, by ascending stage; a reader need not look at it.
 */
public class Manifest internal constructor(
    public val model: Model,
    public val source: Source,
    public val input: InputSpec,
    public val stages: List<Stage>,
    public val outputs: List<OutputSpec>,
    public val targets: Map<String, Target>,
    public val usagePrior: List<List<RouteShare>>?,
    public val golden: GoldenSpec,
    public val restrictions: List<Restriction>,
) {
    /** The rule of each routed stage. */
    public val rules: List<Rule> get() = stages.mapNotNull { it.rule }
}

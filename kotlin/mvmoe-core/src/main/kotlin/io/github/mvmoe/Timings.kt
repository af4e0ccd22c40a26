package io.github.mvmoe

/**
 * How long the parts of one prediction took, in nanoseconds.
 *
 * @property preprocess from pixels to the model's input.
 * @property stem what every image runs first.
 * @property select from routers' logits to routes, and writing these into the graphs' inputs.
 * @property load to have the experts in memory: next to nothing where they are there already.
 * @property expert the graphs of the routed stages.
 * @property total all of it, from the call to the answer.
 */
public class Timings internal constructor(
    public val preprocess: Long,
    public val stem: Long,
    public val select: Long,
    public val load: Long,
    public val expert: Long,
    public val total: Long,
) {
    override fun toString(): String =
        "Timings(preprocess=$preprocess, stem=$stem, select=$select, load=$load, expert=$expert, total=$total)"
}

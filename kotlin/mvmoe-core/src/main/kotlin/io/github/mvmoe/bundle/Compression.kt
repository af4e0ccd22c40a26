package io.github.mvmoe.bundle

/**
 * What a recipe has done to the layers of a target's graphs (`docs/bundle.md`). For people and reports: an engine finds in the
 * graphs themselves how to read their weights.
 *
 * @property weights the numbers in which layers store their weights: `int8`.
 * @property activations the numbers in which they compute: `dynamic-int8`.
 * @property layers how many were compressed; of graphs that differ in their weights alone those of the first.
 * @property plainBytes what all distinct weights of the target would have without the recipe.
 */
public class Compression internal constructor(
    public val weights: String,
    public val activations: String,
    public val layers: Long,
    public val plainBytes: Long,
    /** The layers that were not compressed. */
    internal val left: List<LeftLayer>,
    /** The images by which ranges were found; null for a recipe that needs none. */
    internal val calibration: Calibration?,
    /** How many normalizations have moved outlier channels into the layers behind them. */
    internal val smoothed: Long,
)

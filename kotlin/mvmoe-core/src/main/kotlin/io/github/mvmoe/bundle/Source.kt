package io.github.mvmoe.bundle

/**
 * Where the weights came from, and what exported them.
 *
 * @property checkpointSha256 the SHA-256 of the checkpoint; null where there was none.
 * @property packages versions of the packages that made the graphs, by name.
 * @property weights which of several sets of weights in the checkpoint it is; null where there is one.
 * @property input who stated each field of [InputSpec] that belongs to the training: `checkpoint`, `option` or `default`.
 */
public class Source internal constructor(
    public val checkpointSha256: String?,
    public val packages: Map<String, String>,
    public val weights: String?,
    public val input: Map<String, String>,
)

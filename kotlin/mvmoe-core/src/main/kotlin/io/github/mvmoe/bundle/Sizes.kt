package io.github.mvmoe.bundle

/**
 * Bytes of a target's weights by who needs them, each distinct content counted once.
 *
 * @property distinctBytes all weights.
 * @property sharedBytes those that no single expert owns.
 * @property expertBytes for each routed stage what each expert owns; empty where graphs are not split by route.
 */
public class Sizes internal constructor(
    public val distinctBytes: Long,
    public val sharedBytes: Long,
    public val expertBytes: List<List<Long>>,
)

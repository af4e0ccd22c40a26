package io.github.mvmoe.bundle

/**
 * The weights of one expert: a range of the target's file `weights`.
 *
 * @property offset where the range begins: a multiple of 16,384.
 * @property bytes how long it is; 0 for an expert that computes nothing.
 * @property tensors what is in it, by name.
 */
public class ExpertWeights internal constructor(
    public val offset: Long,
    public val bytes: Long,
    public val tensors: Map<String, StoredTensor>,
)

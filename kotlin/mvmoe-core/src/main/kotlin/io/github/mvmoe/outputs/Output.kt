package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.OutputSpec

/**
 * One of a model's outputs for one image.
 *
 * Its class says what its numbers mean (`docs/outputs.md`): [LogitsOutput], [EmbeddingOutput], [BoxesOutput], [MaskOutput],
 * [MapOutput] or [TensorOutput].
 *
 * @property shape of one image, without the batch.
 * @property values in C order: the last size counts fastest. They are the caller's.
 */
public abstract class Output internal constructor(
    private val spec: OutputSpec,
    public val shape: List<Int>,
    public val values: FloatArray,
) {
    /** What the model calls it. */
    public val name: String get() = spec.name

    /** What its numbers mean, as the manifest has it: `logits`, `boxes`, ... */
    public val kind: String get() = spec.kind

    /** The names of its classes; null where they have none. */
    public val labels: List<String>? get() = spec.labels

    /** The name of a class; its number where it has none. */
    public fun label(index: Int): String = labels?.getOrNull(index) ?: index.toString()

    /** `answer (logits [10])`. */
    override fun toString(): String = "$name ($kind $shape)"
}

package io.github.mvmoe.bundle

/**
 * An input that is a weight of an expert.
 *
 * @property place where the expert stands in the image's route; 0 is the first.
 * @property tensor which of the expert's tensors it is.
 */
public class BoundInput internal constructor(
    public val place: Int,
    public val tensor: String,
)

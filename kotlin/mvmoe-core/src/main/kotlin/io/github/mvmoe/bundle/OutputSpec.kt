package io.github.mvmoe.bundle

/**
 * One of the model's outputs.
 *
 * @property name what an application asks for.
 * @property kind what its numbers mean: `logits`, `boxes`, ... (`docs/outputs.md`).
 * @property tensors those that it may be, in the order of the stages that give them: for an image it is the last one whose
 * stage the image has run.
 * @property labels names of the classes; null where they have none.
 */
public class OutputSpec internal constructor(
    public val name: String,
    public val kind: String,
    public val tensors: List<String>,
    public val labels: List<String>?,
)

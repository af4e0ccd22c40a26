package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/**
 * One step of inference (`docs/bundle.md`, `stages`).
 *
 * @property name its name, one of its own.
 * @property rule how its route comes about; null for the stem.
 * @property router the tensor with the logits that the rule takes; null where it takes none.
 * @property takes the tensor that each input of its graphs is, but for the inputs that a strategy adds.
 * @property gives the tensor that each output of its graphs is.
 * @property finishes routes on which an image is finished: it runs neither this stage nor any after it.
 */
public class Stage internal constructor(
    public val name: String,
    public val rule: Rule?,
    public val router: String?,
    public val takes: Map<String, String>,
    public val gives: Map<String, String>,
    public val finishes: List<Route>,
)

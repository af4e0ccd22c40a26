package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Rule

/**
 * What an export has fixed at one routed stage of the model (`docs/bundle.md`, `restrictions`): either its [route], or the
 * experts that are [kept].
 *
 * @property stage the model's own routed stage, counted from 1, with those that are no stages of the bundle any more.
 * @property rule what the stage selected by before.
 * @property route the route of every image, where it is constant; null else.
 * @property kept the experts that the stage's rule still selects from, in ascending order; null where the route is constant.
 */
public class Restriction internal constructor(
    public val stage: Int,
    public val rule: Rule,
    public val route: Route?,
    public val kept: List<Int>?,
)

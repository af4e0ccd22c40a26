package io.github.mvmoe.bundle

import io.github.mvmoe.routing.Route

/**
 * How often a route is used.
 *
 * @property route one of the stage's rule.
 * @property share of the images, from 0 to 1.
 */
public class RouteShare internal constructor(
    public val route: Route,
    public val share: Double,
)

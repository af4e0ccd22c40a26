package io.github.mvmoe.strategies

import io.github.mvmoe.bundle.Manifest
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Rule
import io.github.mvmoe.routing.Selection
import io.github.mvmoe.routing.logitsIn
import java.nio.FloatBuffer

/** The routes that a graph with routers inside has taken, as the host sees them afterwards: the rules of its routers. */
internal class InnerRouting private constructor(
    private val rules: List<Rule>,
) {
    /** The logits `[E]` of each router for the image at [position]: views of `router_logits`, made once for a binding. */
    fun logitsOf(
        routerLogits: Tensor,
        position: Int = 0,
    ): List<FloatBuffer> = GraphStages.columnsOf(rules).map { logitsIn(routerLogits, position, it) }

    /**
     * The routes of an image and their gates, by the rules on those logits.
     *
     * The engine may have decided otherwise between experts that are as good as equal.
     *
     * @throws io.github.mvmoe.RoutingException for logits that are not finite.
     */
    fun select(logits: List<FloatBuffer>): List<Selection> = rules.mapIndexed { stage, rule -> rule.select(logits[stage]) }

    companion object {
        /** That of a target; null for one whose routes the host selects. */
        fun of(
            manifest: Manifest,
            target: Target,
        ): InnerRouting? = if (target.routersInGraph) InnerRouting(manifest.rules) else null
    }
}

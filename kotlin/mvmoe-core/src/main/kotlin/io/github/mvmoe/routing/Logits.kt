package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.RoutingException
import java.nio.FloatBuffer

/** What stands for the logits of a stage without a router. */
internal fun noLogits(): FloatBuffer = FloatBuffer.allocate(0)

/** Step 1 of *Routing*: refuses another number of logits than [experts], and those that are not finite. */
internal fun requireLogits(
    logits: FloatBuffer,
    experts: Int,
) {
    if (logits.limit() != experts) refuseShape(logits.limit(), experts)
    for (expert in 0 until experts) {
        if (!logits.get(expert).isFinite()) refuseNotFinite(logits, expert)
    }
}

private fun refuseShape(
    found: Int,
    experts: Int,
): Nothing =
    throw RoutingException(
        ErrorCode.ROUTING_LOGITS_SHAPE,
        "the router gave $found logits for an image, but its rule expects $experts; export the bundle again",
        mapOf("found" to listOf(found)),
    )

private fun refuseNotFinite(
    logits: FloatBuffer,
    expert: Int,
): Nothing =
    throw RoutingException(
        ErrorCode.ROUTING_NOT_FINITE,
        "the router gave a logit that is not finite (${logits.get(expert)} for expert $expert); " +
            "check the image and the weights of the model",
        mapOf("expert" to expert),
    )

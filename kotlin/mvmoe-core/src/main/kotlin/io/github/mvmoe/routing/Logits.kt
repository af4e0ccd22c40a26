package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.RoutingException
import io.github.mvmoe.engine.Tensor
import java.nio.FloatBuffer

/** What stands for the logits of a stage without a router. */
internal fun noLogits(): FloatBuffer = FloatBuffer.allocate(0)

/** The logits of one image in a tensor `[B, n]`, in some of its columns: a view, made once for a binding. */
internal fun logitsIn(
    tensor: Tensor,
    position: Int = 0,
    columns: IntRange = 0 until tensor.shape[1],
): FloatBuffer {
    val row = tensor.floats.duplicate()
    val first = position * tensor.shape[1]
    row.clear()
    row.limit(first + columns.last + 1)
    row.position(first + columns.first)
    return row.slice()
}

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

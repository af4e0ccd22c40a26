package io.github.mvmoe.runtime

import io.github.mvmoe.outputs.Output
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Selection
import java.nio.FloatBuffer

/**
 * What an answer is made of.
 *
 * @property classOutput the output that decides on the class; null for a model that does not classify.
 */
internal class AnswerParts(
    val outputs: Map<String, Output>,
    val lastStage: String,
    val classOutput: String?,
    selections: List<Selection>,
    val routerLogits: List<FloatArray>,
) {
    val routes: List<Route> = selections.map { it.route }
    val gates: List<FloatArray> = selections.map { it.gates }
}

/** A copy of all of a buffer. */
internal fun copyOf(floats: FloatBuffer): FloatArray = FloatArray(floats.limit()) { floats.get(it) }

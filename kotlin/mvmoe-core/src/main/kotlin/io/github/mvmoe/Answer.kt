package io.github.mvmoe

import io.github.mvmoe.outputs.Output
import io.github.mvmoe.routing.Route
import io.github.mvmoe.runtime.AnswerParts
import kotlin.math.exp

/**
 * What the model answers for one image.
 *
 * [routes], [gates] and [routerLogits] have an entry for each routed stage that the image reached. What is said of a class is
 * of the first output that decides on one.
 */
public open class Answer internal constructor(
    private val parts: AnswerParts,
) {
    /** What the model gives by name, in the order in which it declares it. */
    public val outputs: Map<String, Output> get() = parts.outputs

    /** The experts that the image took. */
    public val routes: List<Route> get() = parts.routes

    /** The weight of each expert's output, in the order of its route. */
    public val gates: List<FloatArray> get() = parts.gates

    /** The logits `[E]` by which each route was selected; empty for a stage without a router. */
    public val routerLogits: List<FloatArray> get() = parts.routerLogits

    /** The stage that ran last: an image that was finished early has not run the others. */
    public val lastStage: String get() = parts.lastStage

    /** The experts of the first routed stage, which for one router is all; null for a model without routers. */
    public val route: Route? get() = routes.firstOrNull()

    /**
     * Class logits `[classes]`.
     *
     * @throws InputException for a model that does not classify (`input.none-classifies`).
     */
    public val logits: FloatArray get() = classes.values

    /** The class with the highest logit, the first of several; throws as [logits] does. */
    public val labelIndex: Int
        get() {
            val row = logits
            var best = 0
            for (index in row.indices) if (row[index] > row[best]) best = index
            return best
        }

    /** The name of that class, or its number where classes have no names; throws as [logits] does. */
    public val label: String get() = classes.label(labelIndex)

    /** Its share of the softmax; throws as [logits] does. */
    public val probability: Float
        get() {
            val row = logits
            val highest = row[labelIndex].toDouble()
            // The softmax of the highest logit alone, whose own exponential is 1.
            return (1.0 / row.sumOf { exp(it - highest) }).toFloat()
        }

    private val classes: Output
        get() =
            outputs[parts.classOutput] ?: throw InputException(
                ErrorCode.INPUT_NONE_CLASSIFIES,
                "the model does not classify; it gives ${outputs.keys.joinToString()}: read them in outputs",
                mapOf("outputs" to outputs.keys.toList()),
            )
}

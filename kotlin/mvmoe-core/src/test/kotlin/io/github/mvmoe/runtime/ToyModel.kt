package io.github.mvmoe.runtime

import kotlin.math.exp

/**
 * A model that a test computes itself, as a bundle of any strategy, and the engine that runs it.
 *
 * An image is the logits of all stages, and then a number x. The stem gives `state` = x; expert e of stage s (both from 0) adds
 * its gate times (1 + e + 10 s) * (state + 1). The output `answer` `[1]` is the state of the last stage that ran, `scores` `[3]`
 * are x, 2 x and -x.
 *
 * @param strategy of its target.
 * @param rules the rule of each routed stage, as a manifest has it; stages without `otherwise` of the rule `given` have no router.
 * @param experts their number in each routed stage.
 * @param finishes the routes of each stage that finish an image.
 * @param batch of the graphs.
 * @param stateType of the tensor that stages pass on: `float32`, or `float16`, which holds 64 times the number as an integer.
 * @param indexType of the experts that a `gather` graph takes.
 */
internal class ToyModel(
    val strategy: String,
    val rules: List<Map<String, Any?>> = listOf(mapOf("type" to "top_k", "experts" to 3, "k" to 2)),
    val finishes: List<List<List<Int>>> = rules.map { emptyList() },
    val batch: Int = 1,
    val stateType: String = "float32",
    val indexType: String = "int64",
    val routersInGraph: Boolean = false,
) {
    val experts: List<Int> = rules.map { it.getValue("experts") as Int }
    val width: Int = experts.sum() + 1

    /** The experts that a rule keeps; all where it names none. */
    @Suppress("UNCHECKED_CAST")
    fun kept(
        rule: Map<String, Any?>,
        experts: Int,
    ): List<Int> = rule["kept"] as List<Int>? ?: (0 until experts).toList()

    fun weight(
        stage: Int,
        expert: Int,
    ): Float = 1f + expert + 10f * stage

    /** An image with logits of each stage, and its number. */
    fun image(
        x: Float,
        vararg logits: List<Float>,
    ): FloatArray = (logits.toList().flatten() + x).toFloatArray().also { check(it.size == width) }

    /** The answer for an image by routes and gates. */
    fun answer(
        x: Float,
        routes: List<List<Int>>,
        gates: List<FloatArray>,
    ): Float =
        routes.indices.fold(x) { state, stage ->
            state + routes[stage].indices.sumOf { (gates[stage][it] * weight(stage, routes[stage][it]) * (state + 1)).toDouble() }.toFloat()
        }

    /** The logits of a stage in an image. */
    fun logits(
        image: FloatArray,
        stage: Int,
    ): List<Float> = image.drop(experts.take(stage).sum()).take(experts[stage])
}

/** The softmax of some logits. */
internal fun softmax(logits: List<Float>): List<Float> {
    val powers = logits.map { exp(it.toDouble() - logits.max()) }
    return powers.map { (it / powers.sum()).toFloat() }
}

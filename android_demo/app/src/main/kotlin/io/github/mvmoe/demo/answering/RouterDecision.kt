package io.github.mvmoe.demo.answering

import io.github.mvmoe.routing.Rule
import java.nio.FloatBuffer
import kotlin.math.exp

/**
 * What a router's logits were for one image, and what became of them.
 *
 * @property stage the routed stage's name.
 * @property rule the rule in words: `top 1 of 4 experts`.
 * @property route the experts that the image took.
 * @property experts each expert's score; empty where the caller has chosen the route.
 * @property margin the route stays the same as long as every logit changes by less than half of it; null where nothing changes it.
 */
class RouterDecision(
    val stage: String,
    val rule: String,
    val route: List<Int>,
    val experts: List<ExpertScore>,
    val margin: Double?,
) {
    /** The experts in their order, but no more than [most]: those of the route, then those of the highest scores. */
    fun shown(most: Int): List<ExpertScore> =
        experts
            .sortedWith(compareByDescending<ExpertScore> { it.isChosen }.thenByDescending { it.score })
            .take(most)
            .sortedBy { it.expert }

    companion object {
        /** @param logits the router's `[E]`; empty for a stage without a router. */
        fun of(
            stage: String,
            rule: Rule,
            route: List<Int>,
            logits: FloatArray,
        ): RouterDecision {
            if (logits.isEmpty()) return RouterDecision(stage, rule.describe(), route, emptyList(), null)
            val scores = if (rule.name == THRESHOLD) logits.map(::logistic) else softmax(logits)
            val experts = scores.mapIndexed { expert, score -> ExpertScore(expert, score, logits[expert], expert in route) }
            return RouterDecision(stage, rule.describe(), route, experts, rule.margin(FloatBuffer.wrap(logits)).takeIf { it.isFinite() })
        }

        /** The rule that looks at each expert by itself; others compare them. */
        private const val THRESHOLD = "threshold"

        private fun softmax(logits: FloatArray): List<Double> {
            val highest = logits.max().toDouble()
            val powers = logits.map { exp(it - highest) }
            val sum = powers.sum()
            return powers.map { it / sum }
        }

        private fun logistic(logit: Float): Double = 1 / (1 + exp(-logit.toDouble()))
    }
}

/**
 * How much a router wants an expert.
 *
 * @property score from 0 to 1: the share of the softmax, or with thresholds the logistic function.
 */
class ExpertScore(
    val expert: Int,
    val score: Double,
    val logit: Float,
    val isChosen: Boolean,
)

package io.github.mvmoe.routing

import io.github.mvmoe.json.Fields
import java.nio.FloatBuffer

/**
 * The rule `top_k`: the [k] experts with the highest scores, ties to the lowest.
 *
 * Their scores are the gates (arXiv 2309.04354, section 3), with [renormalize] divided by their sum. With [unitGates] every
 * gate is 1: the experts are parts of one layer, which are added up (arXiv 2503.02495). With [kept] no others are selected;
 * scores are those of all.
 */
internal class TopK(
    experts: Int,
    private val k: Int = 1,
    private val renormalize: Boolean = false,
    private val unitGates: Boolean = false,
    kept: IntArray? = null,
) : RouterRule(experts, k..k, kept) {
    init {
        requireRule(k in 1..experts) { "top_k with k = $k cannot select from $experts experts; give 1 <= k <= experts" }
        requireRule(!(renormalize && unitGates)) {
            "top_k cannot have gates that are renormalized scores and gates of 1; give renormalize or unit_gates"
        }
    }

    override val name: String get() = NAME

    override fun select(logits: FloatBuffer): Selection {
        requireLogits(logits, experts)
        val scores = scoresOf(logits)
        // The scores decide, not the logits: two logits may differ and still have one fp32 score.
        val route = routeOf(best(scores, k, kept))
        return Selection(route, if (renormalize || unitGates) formula(route, logits) else scores.at(route))
    }

    override fun formula(
        route: Route,
        logits: FloatBuffer,
    ): FloatArray =
        when {
            unitGates -> FloatArray(route.size) { 1f }
            renormalize -> scoresWithin(route, logits)
            else -> scoresOf(logits).at(route)
        }

    override fun margin(logits: FloatBuffer): Double {
        requireLogits(logits, experts)
        if (k == usableCount) return Double.POSITIVE_INFINITY
        val ordered = logScoresInOrder(logits, kept)
        return orderMargin(lower = ordered[k], upper = ordered[k - 1])
    }

    override fun describe(): String = "top $k of $experts experts" + onlyKept(kept) + gatesInWords()

    private fun gatesInWords() =
        when {
            renormalize -> ", renormalized"
            unitGates -> ", gates of 1"
            else -> ""
        }

    internal companion object {
        const val NAME = "top_k"

        fun read(fields: Fields): TopK =
            TopK(
                experts = fields.int("experts", EXPERTS),
                k = fields.int("k", EXPERTS, default = 1),
                renormalize = fields.boolean("renormalize", default = false),
                unitGates = fields.boolean("unit_gates", default = false),
                kept = readKept(fields),
            )
    }
}

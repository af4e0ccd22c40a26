package io.github.mvmoe.routing

import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.NumberRange
import java.nio.FloatBuffer
import kotlin.math.floor

/**
 * The rule `top_p`: experts by descending score, ties to the lowest, until their sum exceeds [p] or there are [kMax].
 *
 * Dynamic routing of "Harder Tasks Need More Experts" (arXiv 2403.07652, section 3.2), over images instead of tokens and with
 * a limit. The scores of the route are its gates, with [renormalize] divided by their sum. With [kept] no other experts are
 * selected; scores are those of all.
 */
internal class TopP(
    experts: Int,
    private val p: Double,
    private val kMax: Int,
    private val renormalize: Boolean = false,
    kept: IntArray? = null,
) : RouterRule(experts, 1..longestOf(experts, p, kMax, kept), kept) {
    init {
        requireRule(p >= 0 && p < 1 && kMax in 1..experts) {
            "top_p with p = $p and k_max = $kMax cannot select from $experts experts; give 0 <= p < 1 and 1 <= k_max <= experts"
        }
    }

    override val name: String get() = NAME

    override fun select(logits: FloatBuffer): Selection {
        requireLogits(logits, experts)
        val scores = scoresOf(logits)
        val ranked = best(scores, longest, kept)
        val route = routeOf(ranked.copyOf(lengthOf(ranked, scores)))
        return Selection(route, if (renormalize) scoresWithin(route, logits) else scores.at(route))
    }

    /** How many of the best experts a route has. The sum is of fp32 scores, best first, in double precision. */
    private fun lengthOf(
        ranked: IntArray,
        scores: FloatArray,
    ): Int {
        var total = 0.0
        var length = 0
        while (length < longest && total <= p) total += scores[ranked[length++]]
        return length
    }

    override fun formula(
        route: Route,
        logits: FloatBuffer,
    ): FloatArray = if (renormalize) scoresWithin(route, logits) else scoresOf(logits).at(route)

    /**
     * Changing every logit by half of t or less changes the log-odds of a sum of scores by t or less. So besides the order of
     * its last expert and the next one a route depends on the distance of two log-odds from those of p: those of its sum, and
     * those of its sum without its last expert.
     */
    override fun margin(logits: FloatBuffer): Double {
        val length = select(logits).route.size
        val ordered = logScoresInOrder(logits, kept)
        val next = if (length < usableCount) ordered[length] else Double.NEGATIVE_INFINITY
        val inOrder = orderMargin(lower = next, upper = ordered[length - 1])
        // A route that has reached the limit stays whatever its sum, and one expert is always taken.
        val reached = if (length == longest) inOrder else logOddsOfFirst(ordered, length) - logOdds(p * (1 + ROUNDING))
        val missed = if (length == 1) inOrder else logOdds(p * (1 - ROUNDING)) - logOddsOfFirst(ordered, length - 1)
        val least = minOf(inOrder, reached, missed)
        // No number where p and the sum are both as good as 1: nothing can be promised there.
        return if (least > 0) least else 0.0
    }

    override fun describe(): String =
        "top p = $p of $experts experts${onlyKept(kept)}, at most $longest" + if (renormalize) ", renormalized" else ""

    internal companion object {
        const val NAME = "top_p"

        fun read(fields: Fields): TopP =
            TopP(
                experts = fields.int("experts", EXPERTS),
                p = fields.number("p", NumberRange.below(0.0, 1.0)),
                kMax = fields.int("k_max", EXPERTS),
                renormalize = fields.boolean("renormalize", default = false),
                kept = readKept(fields),
            )

        /** More than the fp32 scores of a route, and their sum, are off by, relative to it. */
        private const val ROUNDING = 1.0 / (1 shl 22)

        /** The best m of all E experts have a share of m / E or more, so few are enough for any p; of kept ones nothing is known. */
        private fun longestOf(
            experts: Int,
            p: Double,
            kMax: Int,
            kept: IntArray?,
        ): Int = if (kept == null) minOf(kMax, experts, floor(p * experts * (1 + ROUNDING)).toInt() + 1) else minOf(kMax, kept.size)
    }
}

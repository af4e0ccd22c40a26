package io.github.mvmoe.routing

import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.NumberRange
import java.nio.FloatBuffer
import kotlin.math.abs

/**
 * The rule `threshold`: the experts whose logit is above their own threshold; the one of highest logit if none is.
 *
 * "Top-any" gating of DynMoE (arXiv 2405.14297, section 3.1), over images instead of tokens. There the logistic function of a
 * similarity is compared with that of a learned number; it is monotone, so here the logits are compared. Each of the n
 * experts of a route has the gate 1 / n. With [kept] no other experts are selected.
 *
 * @param thresholds a logit for each expert; rounded to fp32 before it is compared.
 */
internal class Threshold(
    experts: Int,
    thresholds: DoubleArray,
    kept: IntArray? = null,
) : RouterRule(experts, 1..(kept?.size ?: experts), kept) {
    init {
        requireRule(thresholds.size == experts && thresholds.all { abs(it) <= LARGEST }) {
            "threshold was given ${thresholds.size} thresholds for $experts experts; give a finite logit for each expert"
        }
    }

    private val thresholds = FloatArray(experts) { thresholds[it].toFloat() }

    override val name: String get() = NAME

    override fun select(logits: FloatBuffer): Selection {
        requireLogits(logits, experts)
        val route = routeOf(above(logits))
        return Selection(route, formula(route, logits))
    }

    private fun above(logits: FloatBuffer): IntArray {
        val found = IntArray(usableCount)
        var count = 0
        for (place in 0 until usableCount) {
            val expert = usableAt(place)
            if (logits.get(expert) > thresholds[expert]) found[count++] = expert
        }
        return if (count > 0) found.copyOf(count) else intArrayOf(highest(logits))
    }

    /** The expert of highest logit, of equal ones the lowest. */
    private fun highest(logits: FloatBuffer): Int {
        var found = usableAt(0)
        for (place in 1 until usableCount) {
            val expert = usableAt(place)
            if (logits.get(expert) > logits.get(found)) found = expert
        }
        return found
    }

    override fun formula(
        route: Route,
        logits: FloatBuffer,
    ): FloatArray {
        val share = (1.0 / route.size).toFloat()
        return FloatArray(route.size) { share }
    }

    /**
     * An expert enters or leaves a route when its logit passes its threshold. A single expert that falls below its own stays
     * on the route as long as its logit is the highest.
     */
    override fun margin(logits: FloatBuffer): Double {
        val route = select(logits).route
        return usable.minOf { expert ->
            val distance = 2 * (logits.get(expert).toDouble() - thresholds[expert].toDouble())
            if (route.size == 1 && route.expertAt(0) == expert) maxOf(distance, 0.0, leadOf(expert, logits)) else abs(distance)
        }
    }

    /** By how much an expert's logit is above those of all other usable ones; infinite where there are none. */
    private fun leadOf(
        expert: Int,
        logits: FloatBuffer,
    ): Double {
        val others = usable.filter { it != expert }
        return logits.get(expert).toDouble() - (others.maxOfOrNull { logits.get(it).toDouble() } ?: Double.NEGATIVE_INFINITY)
    }

    override fun describe(): String = "those of $experts experts${onlyKept(kept)} above their thresholds, the best if none is"

    internal companion object {
        const val NAME = "threshold"

        /** Within what fp32 holds. */
        private const val LARGEST = 3e38

        fun read(fields: Fields): Threshold =
            Threshold(
                experts = fields.int("experts", EXPERTS),
                thresholds = fields.numbers("thresholds", NumberRange.closed(-LARGEST, LARGEST), EXPERTS).toDoubleArray(),
                kept = readKept(fields),
            )
    }
}

package io.github.mvmoe.routing

import io.github.mvmoe.json.JsonObject
import kotlin.math.exp

/** Readers of *Routing* that are wrong in one thing each, as ports tend to be. */
internal object WrongReaders {
    val all: List<RoutingReader>
        get() =
            WrongReaders::class.java.declaredClasses
                .filter { RoutingReader::class.java.isAssignableFrom(it) }
                .map { it.getDeclaredConstructor().newInstance() as RoutingReader }

    class TiesToTheHighest : PageReader() {
        override fun ranked(
            rule: PageRule,
            logits: FloatArray,
        ) = scores(logits).let { scores -> usable(rule).reversed().sortedByDescending { scores[it] } }
    }

    class LogitsDecide : PageReader() {
        override fun ranked(
            rule: PageRule,
            logits: FloatArray,
        ) = usable(rule).sortedByDescending { logits[it] }
    }

    class GatesNotRounded : PageReader() {
        override fun scores(logits: FloatArray) = weights(logits).let { weights -> weights.map { it / total(weights) } }
    }

    class AllInFp32 : PageReader() {
        override fun scores(logits: FloatArray): List<Double> {
            val weights = logits.map { exp(it - logits.max()) }
            val total = weights.fold(0f, Float::plus)
            return weights.map { (it / total).toDouble() }
        }
    }

    class NotShifted : PageReader() {
        override fun weights(logits: FloatArray) = logits.map { exp(it.toDouble()) }
    }

    class SummedBackwards : PageReader() {
        override fun total(weights: List<Double>) = super.total(weights.reversed())
    }

    class SummedPairwise : PageReader() {
        override fun total(weights: List<Double>): Double =
            if (weights.size < 3) weights.sum() else total(weights.take(weights.size / 2)) + total(weights.drop(weights.size / 2))
    }

    class SummedWithoutError : PageReader() {
        override fun total(weights: List<Double>) =
            weights.fold(java.math.BigDecimal.ZERO) { sum, it -> sum + it.toBigDecimal() }.toDouble()
    }

    class NeverRenormalized : PageReader() {
        override fun renormalized(
            route: List<Int>,
            logits: FloatArray,
        ) = scores(logits).let { scores -> route.map { scores[it] } }
    }

    class AlwaysRenormalized : PageReader() {
        override fun gatesOf(
            rule: PageRule,
            route: List<Int>,
            logits: FloatArray,
        ) = if (rule.isGiven || rule.unitGates ||
            rule.type == "threshold"
        ) {
            super.gatesOf(rule, route, logits)
        } else {
            renormalized(route, logits)
        }
    }

    class ScoresInsteadOfOnes : PageReader() {
        override fun gatesOf(
            rule: PageRule,
            route: List<Int>,
            logits: FloatArray,
        ) = if (rule.unitGates) scores(logits).let { scores -> route.map { scores[it] } } else super.gatesOf(rule, route, logits)
    }

    /** Loses an imposed route whose scores underflow, and rounds twice. */
    class ScoresDividedByTheirSum : PageReader() {
        override fun renormalized(
            route: List<Int>,
            logits: FloatArray,
        ): List<Double> {
            val gates = scores(logits).let { scores -> route.map { scores[it] } }
            return gates.map { (it / gates.sum()).toFloat().toDouble() }
        }
    }

    class RouteByScore : PageReader() {
        override fun inOrder(route: List<Int>) = route
    }

    class NotFiniteIsLowest : PageReader() {
        override fun routed(
            rule: PageRule,
            logits: FloatArray,
        ) = super.routed(rule, FloatArray(logits.size) { if (logits[it].isFinite()) logits[it] else -3e38f })
    }

    class OnlyNaNIsRefused : PageReader() {
        override fun routed(
            rule: PageRule,
            logits: FloatArray,
        ) = super.routed(rule, FloatArray(logits.size) { logits[it].coerceIn(-3e38f, 3e38f) })
    }

    class SelectsWhatIsNotKept : PageReader() {
        override fun usable(rule: PageRule) = (0 until rule.experts).toList()
    }

    /** What is not kept has no part in the sum of scores. */
    class ScoresOfKeptAlone : PageReader() {
        override fun routed(
            rule: PageRule,
            logits: FloatArray,
        ): Answer {
            requireLogits(rule, logits)
            return super.routed(rule, FloatArray(logits.size) { if (it in rule.usable()) logits[it] else -3e38f })
        }
    }

    /** Of the best k experts those that are kept, and of those above their thresholds; the best of all if there is none. */
    class SelectsThenDrops : PageReader() {
        override fun usable(rule: PageRule) = (0 until rule.experts).toList()

        override fun routed(
            rule: PageRule,
            logits: FloatArray,
        ): Answer {
            requireLogits(rule, logits)
            val route = inOrder(experts(rule, logits)).filter { it in rule.usable() }
            return Answer(route, gatesOf(rule, route, logits))
        }
    }

    class TheBestIfNoneOfTheKeptIsAbove : PageReader() {
        override fun fallback(
            rule: PageRule,
            logits: FloatArray,
        ) = logits.indices.maxBy { logits[it] }
    }

    /** The limit of a rule that keeps all experts, which another sum may pass. */
    class NoMoreThanPOfAllNeeds : PageReader() {
        override fun limit(rule: PageRule) = minOf(rule.kMax, (rule.p * rule.experts).toInt() + 1)
    }

    class WhatIsNotKeptIsImposed : PageReader() {
        override fun requireRoute(
            rule: PageRule,
            route: List<Int>,
        ) {
            val isLong = route.size in (if (rule.type == "top_k") rule.k else 1)..maxOf(rule.longest(), rule.kMax)
            if (rule.kept == null || !isLong || !areSome(route, rule.experts)) super.requireRoute(rule, route)
        }
    }

    /** What the router cannot select nobody can choose. */
    class NamedRoutesAreKeptOnes : PageReader() {
        override fun named(
            rule: PageRule,
            name: String,
            logits: FloatArray,
        ): Answer {
            val kept = rule.otherwise?.usable() ?: rule.usable()
            return super.named(rule, name, logits).let { Answer(it.route.filter { expert -> expert in kept }, it.gates) }
        }
    }

    /** Takes a list of all experts for null. */
    class AllMayBeKept : PageReader() {
        override fun requireRule(rule: PageRule) {
            if (rule.experts < 1 || rule.kept != (0 until rule.experts).toList()) super.requireRule(rule)
        }
    }

    class OneExpertMoreOfTopP : PageReader() {
        override fun topP(
            rule: PageRule,
            logits: FloatArray,
        ) = ranked(rule, logits).take(minOf(limit(rule), super.topP(rule, logits).size + 1))
    }

    class ReachedIsExceeded : PageReader() {
        override fun isEnough(
            sum: Double,
            p: Double,
        ) = sum >= p
    }

    class NoLimit : PageReader() {
        override fun limit(rule: PageRule) = rule.experts
    }

    class SumInFp32 : PageReader() {
        override fun add(
            sum: Double,
            score: Double,
        ) = (sum.toFloat() + score.toFloat()).toDouble()
    }

    class ThresholdReached : PageReader() {
        override fun isAbove(
            logit: Float,
            threshold: Double,
        ) = logit >= threshold.toFloat()
    }

    class ThresholdsInDouble : PageReader() {
        override fun isAbove(
            logit: Float,
            threshold: Double,
        ) = logit.toDouble() > threshold
    }

    class NearestToItsThreshold : PageReader() {
        override fun fallback(
            rule: PageRule,
            logits: FloatArray,
        ) = usable(rule).maxBy { logits[it] - rule.thresholds[it].toFloat() }
    }

    class FirstIfNoneIsAbove : PageReader() {
        override fun fallback(
            rule: PageRule,
            logits: FloatArray,
        ) = usable(rule).first()
    }

    /** The logistic function in fp32 makes large logits equal. */
    class ThresholdsOnProbabilities : PageReader() {
        override fun isAbove(
            logit: Float,
            threshold: Double,
        ) = logistic(logit) > logistic(threshold.toFloat())

        private fun logistic(x: Float) = 1f / (1f + exp(-x))
    }

    class GatesOfThresholdAreScores : PageReader() {
        override fun gatesOfThreshold(
            route: List<Int>,
            logits: FloatArray,
        ) = scores(logits).let { scores -> route.map { scores[it] } }
    }

    class AnyRouteIsImposed : PageReader() {
        override fun requireRoute(
            rule: PageRule,
            route: List<Int>,
        ) = Unit

        override fun gatesOf(
            rule: PageRule,
            route: List<Int>,
            logits: FloatArray,
        ) = super.gatesOf(rule, route.map { it.mod(rule.experts) }.ifEmpty { listOf(0) }, logits)
    }

    class ShorterRoutesOfTopK : PageReader() {
        override fun requireRoute(
            rule: PageRule,
            route: List<Int>,
        ) {
            val ascending = route.zipWithNext().all { (low, high) -> low < high } && route.all { it in rule.usable() }
            if (rule.type != "top_k" || !ascending || route.size !in 1..rule.k) super.requireRoute(rule, route)
        }
    }

    class AnyRule : PageReader() {
        override fun requireRule(rule: PageRule) {
            if (rule.experts < 1 || rule.isGiven) super.requireRule(rule)
        }
    }

    class AnyGivenRule : PageReader() {
        override fun requireRule(rule: PageRule) {
            if (!rule.isGiven) super.requireRule(rule)
        }
    }

    class ChoicesAreIgnored : PageReader() {
        override fun chosen(
            rule: PageRule,
            choices: Map<String, String>,
        ) = super.chosen(rule, choices).takeIf { rule.otherwise == null }
    }

    class ChosenRoutesHaveGatesOfOne : PageReader() {
        override fun named(
            rule: PageRule,
            name: String,
            logits: FloatArray,
        ) = super.named(rule, name, logits).let { found -> Answer(found.route, found.gates.map { 1.0 }) }
    }

    class WhatIsNotChosenIsTheFirst : PageReader() {
        override fun chosen(
            rule: PageRule,
            choices: Map<String, String>,
        ) = super.chosen(rule, choices) ?: rule.routes.keys.minOrNull()
    }

    class UnknownNamesAreLeftToTheRouter : PageReader() {
        override fun chosen(
            rule: PageRule,
            choices: Map<String, String>,
        ) = super.chosen(rule, choices.filterValues { it in rule.routes })
    }

    class AnyChoiceIsTheRules : PageReader() {
        override fun chosen(
            rule: PageRule,
            choices: Map<String, String>,
        ) = super.chosen(rule, choices.mapKeys { rule.choice })
    }

    class GoldenImagesGoByTheTable : PageReader() {
        override fun turns(rule: PageRule) = rule.routes.keys.toList()
    }

    class TheRouterHasNoTurn : PageReader() {
        override fun turns(rule: PageRule) = rule.routes.keys.sorted()
    }

    class ChosenRoutesNeedNoLogits : PageReader() {
        override fun named(
            rule: PageRule,
            name: String,
            logits: FloatArray,
        ) = super.named(rule, name, FloatArray(logits.size) { if (logits[it].isFinite()) logits[it] else 0f })
    }

    /** The rules of the library, of a caller who hands over the whole buffer of a batch. */
    class MoreLogitsAreCutOff : RoutingReader by RuleReader() {
        override fun select(
            rule: JsonObject,
            logits: FloatArray,
        ) = RuleReader().select(rule, logits.copyOf(minOf(logits.size, PageRule(rule).experts)))
    }
}

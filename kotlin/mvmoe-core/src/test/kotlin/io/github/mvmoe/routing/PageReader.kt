package io.github.mvmoe.routing

import io.github.mvmoe.json.JsonArray
import io.github.mvmoe.json.JsonBoolean
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.testing.ints
import io.github.mvmoe.testing.text
import kotlin.math.abs
import kotlin.math.floor

/** A rule as the page says it: plain data with defaults. */
internal class PageRule(
    data: JsonObject,
) {
    private val fields = data.members

    val type = fields.getValue("type").text()
    val experts = int("experts", 0)
    val k = int("k", 1)
    val kMax = int("k_max", 0)
    val p = (fields["p"] as JsonNumber?)?.text?.toDouble() ?: 0.0
    val renormalize = flag("renormalize")
    val unitGates = flag("unit_gates")
    val thresholds = (fields["thresholds"] as JsonArray?)?.items.orEmpty().map { (it as JsonNumber).text.toDouble() }
    val kept = fields["kept"]?.takeIf { it != JsonNull }?.ints()
    val choice = fields["choice"]?.text() ?: "route"
    val routes = (fields["routes"] as JsonObject?)?.members.orEmpty().mapValues { it.value.ints() }
    val otherwise = fields["otherwise"]?.takeIf { it != JsonNull }?.let { PageRule(it as JsonObject) }

    val isGiven get() = type == "given"

    private fun int(
        name: String,
        default: Int,
    ) = (fields[name] as JsonNumber?)?.text?.toInt() ?: default

    private fun flag(name: String) = (fields[name] as JsonBoolean?)?.value ?: false

    /** The experts that a rule of a router can select. */
    fun usable(): List<Int> = kept ?: (0 until experts).toList()

    /** The most experts of a route. */
    fun longest(): Int =
        when (type) {
            "top_k" -> k
            "threshold" -> usable().size
            "given" -> (routes.values.map { it.size } + listOfNotNull(otherwise?.longest())).max()
            else -> if (kept != null) minOf(kMax, kept.size) else minOf(kMax, experts, floor(p * experts * (1 + 1.0 / 4194304)).toInt() + 1)
        }
}

/**
 * *Routing* once more, written from the page, with a method for each step of it, so that [WrongReaders] can get one wrong.
 *
 * It has nothing in common with the rules of the library.
 */
internal open class PageReader : RoutingReader {
    final override fun select(
        rule: JsonObject,
        logits: FloatArray,
    ): Answer = answer(PageRule(rule), emptyMap(), logits)

    final override fun choose(
        rule: JsonObject,
        choices: Map<String, String>,
        logits: FloatArray,
    ): Answer = answer(PageRule(rule), choices, logits)

    final override fun inTurn(
        rule: JsonObject,
        image: Int,
        logits: FloatArray,
    ): Answer {
        val page = PageRule(rule)
        val turns = turns(page)
        val name = turns[image % turns.size]
        return answer(page, if (name == null) emptyMap() else mapOf(page.choice to name), logits)
    }

    final override fun gates(
        rule: JsonObject,
        route: List<Int>,
        logits: FloatArray,
    ): List<Double> {
        val page = PageRule(rule)
        requireRule(page)
        requireLogits(page, logits)
        requireRoute(page, route)
        return gatesOf(page, route, logits)
    }

    private fun answer(
        rule: PageRule,
        choices: Map<String, String>,
        logits: FloatArray,
    ): Answer {
        requireRule(rule)
        val name = chosen(rule, choices)
        return when {
            name != null -> named(rule, name, logits)
            rule.isGiven -> routed(rule.otherwise ?: throw RefusedException("routing.choice-missing"), logits)
            else -> routed(rule, logits)
        }
    }

    protected open fun turns(rule: PageRule): List<String?> =
        rule.routes.keys.sorted() + if (rule.otherwise == null) emptyList() else listOf(null)

    /** The name that counts; null where nothing was chosen. */
    protected open fun chosen(
        rule: PageRule,
        choices: Map<String, String>,
    ): String? {
        if (choices.keys.any { !rule.isGiven || it != rule.choice }) throw RefusedException("routing.no-such-choice")
        val name = choices[rule.choice] ?: return null
        if (name !in rule.routes) throw RefusedException("routing.choice-unknown")
        return name
    }

    protected open fun named(
        rule: PageRule,
        name: String,
        logits: FloatArray,
    ): Answer {
        val route = rule.routes.getValue(name)
        requireLogits(rule, logits)
        return Answer(route, gatesOf(rule, route, logits))
    }

    protected open fun routed(
        rule: PageRule,
        logits: FloatArray,
    ): Answer {
        requireLogits(rule, logits)
        val route = inOrder(experts(rule, logits))
        return Answer(route, gatesOf(rule, route, logits))
    }

    protected fun experts(
        rule: PageRule,
        logits: FloatArray,
    ): List<Int> =
        when (rule.type) {
            "top_k" -> ranked(rule, logits).take(rule.k)
            "top_p" -> topP(rule, logits)
            else -> threshold(rule, logits)
        }

    protected open fun inOrder(route: List<Int>): List<Int> = route.sorted()

    /** Step 2: the softmax, rounded to fp32. */
    protected open fun scores(logits: FloatArray): List<Double> {
        val weights = weights(logits)
        val total = total(weights)
        return weights.map { (it / total).toFloat().toDouble() }
    }

    protected open fun weights(logits: FloatArray): List<Double> = logits.map { StrictMath.exp(it.toDouble() - logits.max().toDouble()) }

    protected open fun total(weights: List<Double>): Double = weights.fold(0.0, Double::plus)

    /** Experts that can be selected, by falling score, the lower of equals first. */
    protected open fun ranked(
        rule: PageRule,
        logits: FloatArray,
    ): List<Int> {
        val scores = scores(logits)
        return usable(rule).sortedByDescending { scores[it] }
    }

    protected open fun usable(rule: PageRule): List<Int> = rule.usable()

    protected open fun topP(
        rule: PageRule,
        logits: FloatArray,
    ): List<Int> {
        val scores = scores(logits)
        val ranked = ranked(rule, logits)
        val sums = ranked.runningFold(0.0) { sum, expert -> add(sum, scores[expert]) }.drop(1)
        val enough = sums.indexOfFirst { isEnough(it, rule.p) }
        return ranked.take(minOf(limit(rule), if (enough < 0) ranked.size else enough + 1))
    }

    protected open fun add(
        sum: Double,
        score: Double,
    ): Double = sum + score

    protected open fun isEnough(
        sum: Double,
        p: Double,
    ): Boolean = sum > p

    protected open fun limit(rule: PageRule): Int = rule.kMax

    protected open fun threshold(
        rule: PageRule,
        logits: FloatArray,
    ): List<Int> = usable(rule).filter { isAbove(logits[it], rule.thresholds[it]) }.ifEmpty { listOf(fallback(rule, logits)) }

    protected open fun isAbove(
        logit: Float,
        threshold: Double,
    ): Boolean = logit > threshold.toFloat()

    protected open fun fallback(
        rule: PageRule,
        logits: FloatArray,
    ): Int = usable(rule).maxBy { logits[it] }

    /** Step 4. */
    protected open fun gatesOf(
        rule: PageRule,
        route: List<Int>,
        logits: FloatArray,
    ): List<Double> =
        when {
            rule.isGiven -> rule.otherwise?.let { gatesOf(it, route, logits) } ?: route.map { 1.0 }
            rule.type == "threshold" -> gatesOfThreshold(route, logits)
            rule.unitGates -> route.map { 1.0 }
            rule.renormalize -> renormalized(route, logits)
            else -> scores(logits).let { scores -> route.map { scores[it] } }
        }

    protected open fun gatesOfThreshold(
        route: List<Int>,
        logits: FloatArray,
    ): List<Double> = route.map { (1.0 / route.size).toFloat().toDouble() }

    protected open fun renormalized(
        route: List<Int>,
        logits: FloatArray,
    ): List<Double> = scores(FloatArray(route.size) { logits[route[it]] })

    protected open fun requireLogits(
        rule: PageRule,
        logits: FloatArray,
    ) {
        if (rule.isGiven && rule.otherwise == null) return
        if (logits.size != rule.experts) throw RefusedException("routing.logits-shape")
        if (!logits.all { it.isFinite() }) throw RefusedException("routing.not-finite")
    }

    protected open fun requireRoute(
        rule: PageRule,
        route: List<Int>,
    ) {
        if (!isRoute(rule, route)) throw RefusedException("routing.unknown-route")
    }

    protected fun isRoute(
        rule: PageRule,
        route: List<Int>,
    ): Boolean {
        if (rule.isGiven) return route in rule.routes.values || (rule.otherwise?.let { isRoute(it, route) } ?: false)
        val least = if (rule.type == "top_k") rule.k else 1
        return areSome(route, rule.experts) && rule.usable().containsAll(route) && route.size in least..rule.longest()
    }

    protected open fun requireRule(rule: PageRule) {
        if (!isRule(rule)) throw RefusedException("routing.rule-invalid")
    }

    private fun isRule(rule: PageRule): Boolean =
        rule.experts in 1..4096 &&
            keepsSome(rule) &&
            when (rule.type) {
                "top_k" -> rule.k in 1..rule.experts && !(rule.renormalize && rule.unitGates)
                "top_p" -> rule.p >= 0 && rule.p < 1 && rule.kMax in 1..rule.experts
                "threshold" -> rule.thresholds.size == rule.experts && rule.thresholds.all { abs(it) <= 3e38 }
                else -> isGivenRule(rule)
            }

    private fun keepsSome(rule: PageRule): Boolean {
        val kept = rule.kept ?: return true
        val least = if (rule.type == "top_k") rule.k else 1
        return areSome(kept, rule.experts) && kept.size in least until rule.experts
    }

    private fun isGivenRule(rule: PageRule): Boolean {
        val inner = rule.otherwise
        val fits = inner == null || (!inner.isGiven && inner.experts == rule.experts && isRule(inner))
        val names = rule.routes.keys.all { Regex("[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}").matches(it) }
        val choice = Regex("[a-z][a-z0-9_]{0,63}").matches(rule.choice)
        return fits && names && choice && rule.routes.isNotEmpty() && rule.routes.values.all { areSome(it, rule.experts) }
    }

    protected fun areSome(
        route: List<Int>,
        experts: Int,
    ): Boolean = route.isNotEmpty() && route.all { it in 0 until experts } && route.zipWithNext().all { (low, high) -> low < high }
}

package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.json.quoted

/** What callers choose: for one call of the dispatcher, and in turn for golden images. */
internal object Choices {
    /** What a caller may choose in a model with these rules, and the sorted names for each. */
    fun of(rules: List<Rule>): Map<String, List<String>> =
        rules.filterIsInstance<CallersRule>().associate { it.choice to it.named.keys.sorted() }

    /** As [of], of those that a caller has to make: no router decides. */
    fun required(rules: List<Rule>): Map<String, List<String>> = of(rules.filter { routerOf(it) == null })

    /** The rule by which a router decides; null where the caller has to. */
    fun routerOf(rule: Rule): Rule? = if (rule is CallersRule) rule.otherwise else rule

    /**
     * The first choice that contradicts itself; null if there is none.
     *
     * One choice is made for all stages that name it. So they have the same names, and a router in all of them or in none:
     * beside one that needs a name, another's router would never decide.
     */
    fun contradiction(rules: List<Rule>): String? {
        val first = HashMap<String, CallersRule>()
        return rules
            .filterIsInstance<CallersRule>()
            .firstOrNull { rule ->
                val other = first.getOrPut(rule.choice) { rule }
                rule.named.keys != other.named.keys || (rule.otherwise == null) != (other.otherwise == null)
            }?.choice
    }

    /**
     * For each stage what selects its routes in a call with these choices; null is as good as left out.
     *
     * @throws InputException for a choice that no stage has (`routing.no-such-choice`), a name that it does not have
     * (`routing.choice-unknown`), and for one that is missing where no router decides (`routing.choice-missing`).
     */
    fun selectors(
        rules: List<Rule>,
        choices: Map<String, String?>,
    ): List<Selector> {
        requireKnown(rules, choices)
        return rules.map { if (it is CallersRule) it.chosen(choices[it.choice]) else it }
    }

    /** The names that golden images take in turn, in ascending order; null at the end leaves the route to the router. */
    fun turnsOf(rule: Rule): List<String?> =
        when {
            rule !is CallersRule -> listOf(null)
            rule.otherwise == null -> rule.named.keys.sorted()
            else -> rule.named.keys.sorted() + null
        }

    /** What selects the route of golden image number [image] (`docs/bundle.md`, *Golden vectors*). */
    fun selectorInTurn(
        rule: Rule,
        image: Int,
    ): Selector {
        val turns = turnsOf(rule)
        return if (rule is CallersRule) rule.chosen(turns[image % turns.size]) else rule
    }

    private fun requireKnown(
        rules: List<Rule>,
        choices: Map<String, String?>,
    ) {
        if (choices.isEmpty()) return
        val known = of(rules).keys
        val unknown = choices.keys.filter { it !in known }.minOrNull() ?: return
        val expected = if (known.isEmpty()) "leave it out: its routers choose" else "expected ${known.joinToString()}"
        throw InputException(
            ErrorCode.ROUTING_NO_SUCH_CHOICE,
            "the choice ${quoted(unknown)} was given, which the model does not have; $expected",
            mapOf("given" to unknown.take(LONGEST_SHOWN), "expected" to known.toList()),
        )
    }

    private const val LONGEST_SHOWN = 200
}

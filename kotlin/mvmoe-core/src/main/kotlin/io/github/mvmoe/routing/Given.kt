package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.json.Field
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.TextForm
import io.github.mvmoe.json.quoted
import java.math.BigInteger
import java.nio.FloatBuffer

/**
 * The rule `given`: the route that the caller names for [choice]; that of [otherwise] where no name was given.
 *
 * A task, or a state of the device, picks the experts, as in task-conditioned mixtures (arXiv 2110.03742, *task-level*
 * routing). Without [otherwise] the stage has no router: a name must be given, and every gate is 1. With it a named route
 * has the gates that [otherwise] gives it, as every imposed route has.
 *
 * @param named the routes by their names; two names may mean one route.
 */
internal class Given(
    override val experts: Int,
    override val named: Map<String, Route>,
    override val choice: String = DEFAULT_CHOICE,
    override val otherwise: RouterRule? = null,
) : CallersRule {
    init {
        requireRule(choice in TextForm.CHOICE) { "given has the choice ${quoted(choice)}; expected ${TextForm.CHOICE}" }
        requireRule(named.isNotEmpty()) { "given has no routes; name at least one" }
        named.forEach(::requireNamed)
        requireRule(otherwise == null || otherwise.experts == experts) {
            "given has $experts experts, and the rule that decides otherwise ${otherwise?.experts}; give both the same number"
        }
    }

    private fun requireNamed(
        name: String,
        route: Route,
    ) {
        requireRule(name in TextForm.NAME) { "given has a route of the name ${quoted(name)}; expected ${TextForm.NAME}" }
        requireRule(isAscending(route, experts)) {
            "given has the route ${shown(route)} of the name $name; give some of its $experts experts, in ascending order"
        }
    }

    private val names = named.keys.sorted()

    /** The named routes, each once, by the order of their first names. */
    private val distinct = names.mapTo(LinkedHashSet()) { named.getValue(it) }

    private val selectors = named.mapValues { (_, route) -> NamedRoute(route, otherwise) }

    override val name: String get() = NAME

    override val usable: List<Int> by lazy {
        val router = otherwise?.usable.orEmpty()
        if (router.size == experts) router else (distinct.flatten() + router).toSortedSet().toList()
    }

    override val longest: Int get() = lengths.last()

    override val lengths: List<Int> = (distinct.map { it.size } + otherwise?.lengths.orEmpty()).distinct().sorted()

    override fun count(): BigInteger {
        val unnamed = otherwise?.count() ?: BigInteger.ZERO
        return unnamed + BigInteger.valueOf(distinct.count { otherwise == null || it !in otherwise }.toLong())
    }

    override fun routes(): Sequence<Route> = distinct.asSequence() + otherwise?.routes().orEmpty().filter { it !in distinct }

    override fun routesOf(length: Int): Sequence<Route> =
        distinct.asSequence().filter { it.size == length } + otherwise?.routesOf(length).orEmpty().filter { it !in distinct }

    override fun contains(route: Route): Boolean = route in distinct || (otherwise != null && route in otherwise)

    override fun chosen(name: String?): Selector {
        if (name == null) return otherwise ?: refuseMissing()
        return selectors[name] ?: refuseUnknown(name)
    }

    override fun select(logits: FloatBuffer): Selection = chosen(null).select(logits)

    override fun gates(
        route: Route,
        logits: FloatBuffer,
    ): FloatArray {
        if (otherwise != null) requireLogits(logits, experts)
        requireRoute(route, this, "what was asked for")
        return NamedRoute(route, otherwise).select(logits).gates
    }

    override fun margin(logits: FloatBuffer): Double = otherwise?.margin(logits) ?: Double.POSITIVE_INFINITY

    override fun describe(): String {
        if (otherwise != null) return "${otherwise.describe()}, or as the caller's $choice says"
        val routes = if (distinct.size > 1) "one of ${distinct.size} routes" else "one route"
        return "$routes of $experts experts, as the caller's $choice says"
    }

    private fun refuseMissing(): Nothing =
        throw InputException(
            ErrorCode.ROUTING_CHOICE_MISSING,
            "no $choice was given, and no router decides it; give one of ${shownNames()}",
            mapOf("choice" to choice, "expected" to names.take(MOST_SHOWN)),
        )

    private fun refuseUnknown(name: String): Nothing =
        throw InputException(
            ErrorCode.ROUTING_CHOICE_UNKNOWN,
            "the $choice ${quoted(name)} was given; expected one of ${shownNames()}",
            mapOf("choice" to choice, "given" to name.take(LONGEST_SHOWN), "expected" to names.take(MOST_SHOWN)),
        )

    private fun shownNames() = names.joinToString(limit = MOST_SHOWN)

    internal companion object {
        const val NAME = "given"
        const val DEFAULT_CHOICE = "route"

        private const val MOST_SHOWN = 16
        private const val LONGEST_SHOWN = 200

        fun read(fields: Fields): Given =
            Given(
                experts = fields.int("experts", EXPERTS),
                named = fields.map("routes", TextForm.NAME, MOST_NAMES) { readRoute(it) },
                choice = fields.text("choice", TextForm.CHOICE, DEFAULT_CHOICE),
                otherwise = fields.optional("otherwise") { it.record(::readRouter) },
            )

        private val MOST_NAMES = 1..4096

        private fun readRoute(field: Field): Route = Route.owning(field.list { it.anyInt() }.toIntArray())

        private fun readRouter(fields: Fields): RouterRule {
            val rule = Rules.read(fields)
            requireRule(rule is RouterRule) { "given leaves the choice to a caller again; give a rule of a router, or null" }
            return rule as RouterRule
        }
    }
}

/** Gives every image one route, with the gates of the rule that a router would follow; gates of 1 where there is none. */
private class NamedRoute(
    private val route: Route,
    private val router: RouterRule?,
) : Selector {
    override fun select(logits: FloatBuffer): Selection =
        Selection(route, router?.gatesOfNamed(route, logits) ?: FloatArray(route.size) { 1f })
}

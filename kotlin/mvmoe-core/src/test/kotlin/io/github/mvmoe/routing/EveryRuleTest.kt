package io.github.mvmoe.routing

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.RoutingException
import org.junit.jupiter.api.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** What holds of every rule, asked of many random ones. */
class EveryRuleTest {
    private val generator = RandomRules(seed = 17)
    private val cases = List(2000) { generator.rule().let { it to generator.logits(it.experts) } }

    /** Those that have a router: the others need a name. */
    private val routed = cases.filter { (rule, _) -> Choices.routerOf(rule) != null }

    @Test
    fun `a rule gives routes of its own, with a finite gate for each expert`() {
        for ((rule, logits) in routed) {
            val found = rule.select(bufferOf(logits))
            assertTrue(found.route in rule, "${rule.describe()}: ${found.route}")
            assertTrue(found.route.size in rule.lengths && found.route.size <= rule.longest)
            assertEquals(found.route.size, found.gates.size)
            assertTrue(found.gates.all { it.isFinite() && it >= 0 })
        }
    }

    @Test
    fun `one formula gives the gates of selected and of imposed routes`() {
        for ((rule, logits) in routed) {
            val found = rule.select(bufferOf(logits))
            assertContentEquals(found.gates, rule.gates(found.route, bufferOf(logits)))
        }
    }

    @Test
    fun `every imposed route has finite gates, where scores underflow too`() {
        for ((rule, logits) in cases) {
            val given = bufferOf(if (Choices.routerOf(rule) == null) FloatArray(0) else logits)
            for (route in rule.routes().take(20)) {
                assertTrue(rule.gates(route, given).all { it.isFinite() && it >= 0 }, "${rule.describe()} $route")
            }
        }
    }

    @Test
    fun `routes are counted, listed once, and recognised`() {
        for ((rule, _) in cases.take(300)) {
            val routes = rule.routes().toList()
            assertEquals(rule.count(), routes.size.toBigInteger())
            assertEquals(routes.size, routes.toSet().size)
            val every = (1..rule.experts).flatMap { combinations(rule.experts, it) }
            assertEquals(every.filter { it in rule }.toSet(), routes.toSet())
            assertEquals(routes.map { it.size }.distinct().sorted(), rule.lengths)
            assertEquals(routes.maxOf { it.size }, rule.longest)
            for (length in 0..rule.experts) assertEquals(routes.filter { it.size == length }, rule.routesOf(length).toList())
        }
    }

    @Test
    fun `the usable experts are those of its routes`() {
        for ((rule, _) in cases.take(300)) {
            assertEquals(
                rule
                    .routes()
                    .flatten()
                    .toSortedSet()
                    .toList(),
                rule.usable,
                rule.describe(),
            )
        }
    }

    @Test
    fun `all experts take no memory, and are a list all the same`() {
        assertEquals((0 until 4096).toList(), TopK(4096).usable)
        assertEquals(listOf(false, true, true, false), listOf(-1, 0, 4095, 4096).map { it in TopK(4096).usable })
        assertFailsWith<IndexOutOfBoundsException> { TopK(2).usable[2] }
    }

    @Test
    fun `logits whose route has kept experts alone keep it, and its gates, bit for bit`() {
        var stayed = 0
        for ((_, logits) in cases) {
            val experts = logits.size
            val kept = (0 until experts).filter { it % 3 > 0 }.toIntArray()
            if (kept.isEmpty()) continue
            for ((every, some) in listOf(TopK(experts) to TopK(experts, kept = kept), everyAndSome(experts, kept))) {
                val before = every.select(bufferOf(logits))
                if (!kept.toList().containsAll(before.route)) continue
                stayed++
                val found = some.select(bufferOf(logits))
                assertEquals(before.route, found.route)
                assertContentEquals(before.gates, found.gates)
            }
        }
        assertTrue(stayed > 100, "only $stayed routes stayed")
    }

    private fun everyAndSome(
        experts: Int,
        kept: IntArray,
    ) = TopP(experts, 0.5, experts) to TopP(experts, 0.5, experts, kept = kept)

    @Test
    fun `what is no ascending list of experts is none of its routes`() {
        for ((rule, _) in cases.take(300)) {
            val last = rule.experts
            val wrong = listOf(Route.of(), Route.of(last), Route.of(-1), Route.of(0, 0), Route.of(1, 0), Route.of(0, last), Route.of(-1, 0))
            for (route in wrong) assertFalse(route in rule, "${rule.describe()} has $route")
        }
    }

    @Test
    fun `changing all logits by less than half the margin never changes the route`() {
        var turned = 0
        for ((rule, logits) in routed) {
            val margin = rule.margin(bufferOf(logits))
            val wanted = rule.select(bufferOf(logits)).route
            val bound = minOf(margin / 2, 1e30)
            repeat(10) {
                assertEquals(wanted, rule.select(bufferOf(generator.near(logits, bound))).route, "${rule.describe()} ${logits.toList()}")
            }
            // And it promises not much less than there is: with twice as much, many routes turn.
            if (margin.isFinite() && wanted != rule.select(bufferOf(generator.near(logits, 2 * margin + 1e-3))).route) turned++
        }
        assertTrue(turned > 100, "only $turned routes turned")
    }

    @Test
    fun `where p and the sum are both as good as 1 nothing is promised`() {
        val rule = TopP(experts = 2, p = 1 - 1e-9, kMax = 2)
        assertEquals(0.0, rule.margin(bufferOf(floatArrayOf(0f, -800f))))
    }

    @Test
    fun `a logit that is not finite is an error that names its expert`() {
        for ((rule, logits) in routed.take(300)) {
            val route = rule.routes().first()
            for (bad in listOf(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY)) {
                val expert = logits.size / 2
                val changed = logits.copyOf().also { it[expert] = bad }
                val attempts =
                    listOf({ rule.select(bufferOf(changed)) }, { rule.gates(route, bufferOf(changed)) }, { rule.margin(bufferOf(changed)) })
                for (attempt in attempts) {
                    val error = assertFailsWith<RoutingException> { attempt() }
                    assertEquals(ErrorCode.ROUTING_NOT_FINITE, error.code)
                    assertEquals(expert, error.fields["expert"])
                }
            }
        }
    }

    @Test
    fun `another number of logits is refused`() {
        for ((rule, logits) in routed.take(100)) {
            for (wrong in listOf(logits + 0f, logits.copyOf(logits.size - 1), FloatArray(0))) {
                val error = assertFailsWith<RoutingException> { rule.select(bufferOf(wrong)) }
                assertEquals(ErrorCode.ROUTING_LOGITS_SHAPE, error.code)
                assertEquals(listOf(wrong.size), error.fields["found"])
            }
        }
    }

    @Test
    fun `a route of another rule has no gates`() {
        val error = assertFailsWith<InputException> { TopK(experts = 3, k = 2).gates(Route.of(0), bufferOf(FloatArray(3))) }
        assertEquals(ErrorCode.ROUTING_UNKNOWN_ROUTE, error.code)
        assertEquals(listOf(0), error.fields["route"])
        assertEquals(
            "what was asked for has the route [0]; expected a route of its rule (top 2 of 3 experts), the experts in ascending order",
            error.message,
        )
    }
}

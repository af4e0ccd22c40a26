package io.github.mvmoe.routing

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import java.math.BigInteger
import kotlin.test.assertEquals
import kotlin.test.assertNotSame
import kotlin.test.assertSame
import kotlin.test.assertTrue

/** Rules with more routes than there are atoms: what is asked of them is said at once. The limits of time only catch a loop over all. */
@Timeout(60)
class ManyRoutesTest {
    private val largest = 4096

    @Test
    fun `they are counted at once`() {
        assertEquals(BigInteger.TWO.pow(largest) - BigInteger.ONE, Threshold(largest, DoubleArray(largest)).count())
        val half = TopK(largest, k = largest / 2).count()
        // C(2n, n) = C(2n - 1, n) * 2, and each length's share of all sets.
        assertEquals(half, TopK(largest - 1, k = largest / 2).count() * BigInteger.TWO)
        assertEquals(BigInteger.TWO.pow(largest) - BigInteger.ONE, TopP(largest, p = 0.9999999, kMax = largest).count())
        assertEquals("4426165368", TopK(64, k = 8).count().toString())
    }

    @Test
    fun `the first of them are there at once, of each length too`() {
        val rule = Threshold(largest, DoubleArray(largest))
        assertEquals(List(3) { listOf(it) }, rule.routes().take(3).toList())
        assertEquals(largest, rule.routesOf(largest).first().size)
        assertEquals(listOf(0, 2), rule.routesOf(2).elementAt(1))
        assertTrue(Route.first(largest) in rule)
    }

    @Test
    fun `sets come in lexicographic order`() {
        val wanted = listOf(listOf(0, 1), listOf(0, 2), listOf(0, 3), listOf(1, 2), listOf(1, 3), listOf(2, 3))
        assertEquals<List<List<Int>>>(wanted, combinations(4, 2).toList())
        assertEquals<List<List<Int>>>(listOf(listOf(0, 1, 2)), combinations(3, 3).toList())
    }

    @Test
    fun `a route that was selected is one object, and no more are kept than memory has room for`() {
        val rule = Threshold(16, DoubleArray(16))
        val logits = { set: Int -> FloatArray(16) { if (set shr it and 1 == 1) 1f else -1f } }
        assertSame(rule.select(bufferOf(logits(5))).route, rule.select(bufferOf(logits(5))).route)
        for (set in 1 until (1 shl 16)) {
            val route = rule.select(bufferOf(logits(set))).route
            assertEquals(set, route.fold(0) { sum, expert -> sum or (1 shl expert) })
        }
        assertSame(rule.select(bufferOf(logits(5))).route, rule.select(bufferOf(logits(5))).route)
        val last = (1 shl 16) - 1
        assertNotSame(rule.select(bufferOf(logits(last))).route, rule.select(bufferOf(logits(last))).route)
        assertEquals(rule.select(bufferOf(logits(last))).route, rule.select(bufferOf(logits(last))).route)
    }
}

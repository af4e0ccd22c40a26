package io.github.mvmoe.routing

import io.github.mvmoe.testing.fromBits
import io.github.mvmoe.testing.toBits
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.math.abs
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertTrue

/** `tests/conformance/routing` on the rules, on a second reader, and on wrong ones, which the cases must catch. */
class RoutingConformanceTest {
    @Test
    fun `every row is answered bit for bit, or refused with its code`() {
        assertEquals(emptyList(), RoutingSuite.failuresOf(RuleReader()).toList())
    }

    @Test
    fun `a second reader, written from the page, passes too`() {
        assertEquals(emptyList(), RoutingSuite.failuresOf(PageReader()).toList())
    }

    @Test
    fun `no file and no row is left out`() {
        val rows = RoutingSuite.rows
        assertEquals(setOf("given", "refused", "threshold", "top_k", "top_p"), rows.keys)
        assertTrue(rows.values.all { it.size >= 500 }, rows.mapValues { it.value.size }.toString())
        assertTrue(rows.values.sumOf { it.size } >= 5000)
        assertTrue((rows - "refused").values.all { file -> file.count { it.isImposed } >= 100 })
    }

    @Test
    fun `margins are those of the cases`() {
        val rows =
            RoutingSuite.rows.values
                .flatten()
                .filter { it.margin != null }
        assertTrue(rows.size >= 1000)
        for (row in rows) {
            val wanted = assertNotNull(row.margin)
            val found = ruleOf(row.rule).margin(bufferOf(row.logits))
            // As tests/conformance/routing/README.md says: within 1e-6, absolute and relative.
            val isNear = found == wanted || abs(found - wanted) <= 1e-6 + 1e-6 * abs(wanted)
            assertTrue(isNear, "${row.file}: a margin of $found instead of $wanted for ${row.logits.toList()}")
        }
    }

    @TestFactory
    fun `a wrong reader is caught`(): List<DynamicTest> =
        WrongReaders.all.map { reader ->
            DynamicTest.dynamicTest(reader.javaClass.simpleName) { assertNotNull(RoutingSuite.failuresOf(reader).firstOrNull()) }
        }

    @Test
    fun `there are enough wrong readers`() {
        assertTrue(WrongReaders.all.size >= 43, "${WrongReaders.all.size}")
    }

    @Test
    fun `bits are read and written as the page says`() {
        assertEquals(listOf(1f, -2f), fromBits("3f800000c0000000").toList())
        assertEquals("3f800000c0000000", toBits(listOf(1.0, -2.0)))
        assertEquals("between", toBits(listOf(0.1)))
    }
}

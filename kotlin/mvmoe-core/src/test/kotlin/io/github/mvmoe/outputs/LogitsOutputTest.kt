package io.github.mvmoe.outputs

import io.github.mvmoe.testing.double
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.int
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.text
import org.junit.jupiter.api.Test
import kotlin.math.abs
import kotlin.math.ln
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class LogitsOutputTest {
    @Test
    fun `the best classes are those of mvmoe_deploy`() {
        val views = OutputCases.views<LogitsOutput>("logits")
        assertTrue(views.size >= 20)
        for ((case, output) in views) {
            val best = case["best"].items().map { it.items() }
            val found = output.top()
            assertEquals(best.map { it[0].int() to it[1].text() }, found.map { it.index to it.label })
            // Another `exp` and another order of summation.
            for ((wanted, each) in best.zip(found)) assertTrue(abs(wanted[2].double() - each.probability) <= 1e-14)
        }
    }

    @Test
    fun `probabilities by hand`() {
        val output = outputOf("logits", listOf(3), 0f, ln(3f), 0f, labels = listOf("a", "b", "c")) as LogitsOutput
        assertEquals("b", output.best.label)
        assertEquals(0.6, output.best.probability, 1e-7)
        assertEquals(listOf("b", "a"), output.top(2).map { it.label })
        assertEquals(3, output.top(7).size)
        assertEquals(1.0, output.probabilities().sum(), 1e-15)
    }

    @Test
    fun `logits that overflow as powers have probabilities, and of equal ones the lowest is the best`() {
        val output = outputOf("logits", listOf(3), -3e38f, 3e38f, 3e38f) as LogitsOutput
        assertEquals(1, output.best.index)
        assertEquals("1", output.best.label)
        assertEquals(0.5, output.best.probability)
    }

    @Test
    fun `a class without a label is called by its number`() {
        val output = outputOf("logits", listOf(2), 0f, 1f)
        assertNull(output.labels)
        assertEquals("1", output.label(1))
        assertEquals("found (logits [2])", output.toString())
    }
}

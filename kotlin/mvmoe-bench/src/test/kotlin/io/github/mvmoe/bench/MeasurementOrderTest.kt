package io.github.mvmoe.bench

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class MeasurementOrderTest {
    @Test
    fun `an order is read as mvmoe bench writes it`() {
        val order = parse(orderText("/images.npy", sustained = 600.0))
        assertEquals(12, order.startedNs)
        assertEquals("latency", order.kind)
        assertEquals(listOf("a", "ä"), order.names)
        assertEquals(listOf(null, "3"), order.labels)
        assertEquals(600.0, order.preset.sustained)
        assertEquals(listOf(0.0, 30.0), order.preset.run { listOf(paced, rate) })
        assertEquals(
            listOf(0, 1, 0, 1),
            order.subjects
                .single()
                .queries
                .map { it.image },
        )
    }

    @Test
    fun `the rate of frames is read where there is one`() {
        val preset = parse(orderText("/images.npy", paced = """, "paced": 60.0, "rate": 24.5""")).preset
        assertEquals(listOf(60.0, 24.5), listOf(preset.paced, preset.rate))
    }

    @Test
    fun `routes are read stage by stage`() {
        val text = orderText("/i").replace("\"routes\": null, \"forced\": false", "\"routes\": [[0, 2], []], \"forced\": true")
        val query =
            parse(text)
                .subjects
                .single()
                .queries
                .first()
        assertEquals(listOf(listOf(0, 2), emptyList()), query.routes)
        assertEquals(true, query.forced)
    }

    @ParameterizedTest
    @CsvSource(
        """"threads": 1|"threads": "one"|threads""",
        """"threads": 1|"thread": 1|threads""",
        """"repeat": 0|"repeat": -1|repeat""",
        """"repeat": 0|"repeat": 0, "later": 1|later""",
        """"cooldown": 0.0|"cooldown": 0.0, "rate": 0.0|rate""",
        delimiter = '|',
    )
    fun `another order than that is refused, and the field is named`(
        found: String,
        given: String,
        field: String,
    ) {
        val error = assertFailsWith<InputException> { parse(orderText("/images.npy").replaceFirst(found, given)) }
        assertEquals(ErrorCode.INPUT_INVALID, error.code)
        assertContains(error.message.orEmpty(), field)
        assertContains(error.message.orEmpty(), "use one version on both sides")
    }

    private fun parse(text: String) = MeasurementOrder.parse(text.toByteArray())
}

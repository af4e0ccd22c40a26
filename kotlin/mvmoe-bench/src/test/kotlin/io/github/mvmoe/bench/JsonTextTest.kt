package io.github.mvmoe.bench

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class JsonTextTest {
    @Test
    fun `fields keep their names and their order`() {
        val line = Failure("latency:0", "dispatcher onnx", "it failed", null)
        assertEquals(
            """{"kind":"failure","job":"latency:0","subject":"dispatcher onnx","message":"it failed","code":null}""",
            jsonText(line),
        )
    }

    @Test
    fun `numbers have as many digits as tell them apart`() {
        val given = listOf(0.1f, 1e-30, 16_777_217, Long.MAX_VALUE, 1.0)
        assertEquals("[0.1,1.0E-30,16777217,9223372036854775807,1.0]", jsonText(given))
    }

    @Test
    fun `texts are escaped`() {
        assertEquals("""{"a\"\\":"\n\u0001ä"}""", jsonText(mapOf("a\"\\" to "\n\u0001ä")))
    }

    @Test
    fun `parts lie within each other`() {
        val laps = Laps(1, listOf(2), listOf(3), listOf(4), 5)
        assertEquals(
            """[{"stem":1,"select":[2],"load":[3],"expert":[4],"rest":5},null,true,{}]""",
            jsonText(listOf(laps, null, true, emptyMap<String, Any>())),
        )
    }

    @Test
    fun `what JSON cannot say is refused`() {
        assertFailsWith<IllegalArgumentException> { jsonText(Double.NaN) }
        assertFailsWith<IllegalArgumentException> { jsonText(listOf(Any())) }
    }
}

package io.github.mvmoe.json

import io.github.mvmoe.BundleException
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull

class FieldsTest {
    @Test
    fun `values of the right type and range are given`() {
        val fields = fieldsOf("""{"i":3,"l":9007199254740992,"n":1,"b":true,"t":"é","x":[1,0.5],"m":{"a":1},"o":null}""")
        assertEquals(3, fields.int("i", 1..3))
        assertEquals(1L shl 53, fields.long("l", 0..(1L shl 53)))
        assertEquals(1.0, fields.number("n", NumberRange.closed(0.0, 1.0)))
        assertEquals(true, fields.boolean("b"))
        assertEquals("é", fields.text("t"))
        assertEquals(listOf(1.0, 0.5), fields.numbers("x", NumberRange.FINITE, 1..2))
        assertEquals(mapOf("a" to 1), fields.map("m") { it.int(1..1) })
        assertNull(fields.nullable("o") { it.int(1..1) })
        fields.end()
    }

    @Test
    fun `what is left out has its default, null has none`() {
        val fields = fieldsOf("""{"null":null}""")
        assertEquals(7, fields.int("a", 1..3, default = 7))
        assertEquals(listOf(1.0), fields.numbers("b", NumberRange.FINITE, default = listOf(1.0)))
        assertNull(fields.optional("c") { it.int(1..3) })
        assertNull(fields.optional("null") { it.int(1..3) })
        assertEquals("bundle.manifest-wrong-type at \$.null", fault { fields.int("null", 1..3, default = 7) })
        assertEquals("bundle.manifest-missing-field at \$", fault { fields.nullable("d") { it.int(1..3) } })
    }

    @Test
    fun `another type is refused`() {
        val fields = fieldsOf("""{"one":1.0,"exponent":1e2,"text":"1","true":true,"null":null,"array":[],"object":{}}""")
        val type = "bundle.manifest-wrong-type at $"
        for (name in listOf("one", "exponent", "text", "true", "null", "array", "object")) {
            assertEquals("$type.$name", fault { fields.int(name, 0..9) })
        }
        assertEquals("$type.text", fault { fields.number("text", NumberRange.FINITE) })
        assertEquals("$type.true", fault { fields.number("true", NumberRange.FINITE) })
        assertEquals("$type.one", fault { fields.boolean("one") })
        assertEquals("$type.null", fault { fields.text("null") })
        assertEquals("$type.object", fault { fields.list("object") { it } })
        assertEquals("$type.array", fault { fields.map("array") { it } })
        assertEquals("$type.array", fault { fields.record("array") { it } })
        assertEquals("$type.one", fault { fields.oneOf("one", listOf("1.0")) })
    }

    @Test
    fun `values beyond a range are refused`() {
        val fields =
            fieldsOf(
                """{"four":4,"huge":123456789012345678901234567890,"zero":0,"far":1e400,"tiny":1e-400,"list":[1,2,3],"key":{"a b":1}}""",
            )
        val range = "bundle.manifest-out-of-range at $"
        assertEquals("$range.four", fault { fields.int("four", 1..3) })
        assertEquals("$range.huge", fault { fields.long("huge", 0..Long.MAX_VALUE) })
        assertEquals("$range.zero", fault { fields.number("zero", NumberRange.above(0.0, 1.0)) })
        assertEquals("$range.tiny", fault { fields.number("tiny", NumberRange.above(0.0, 1.0)) })
        assertEquals("$range.zero", fault { fields.number("zero", NumberRange.below(-1.0, 0.0)) })
        assertEquals("$range.far", fault { fields.number("far", NumberRange.FINITE) })
        assertEquals("$range.list", fault { fields.list("list", 0..2) { it } })
        assertEquals("$range.list", fault { fields.list("list", 4..9) { it } })
        assertEquals("$range.list[2]", fault { fields.list("list") { it.int(1..2) } })
        assertEquals("$range.key", fault { fields.map("key") { it } })
        assertEquals(Int.MAX_VALUE, fields["huge"].anyInt())
    }

    @Test
    fun `fields that nobody has asked for are refused`() {
        val fields = fieldsOf("""{"a":1,"b":{"c":1}}""")
        fields.int("a", 0..9)
        assertEquals("bundle.manifest-unknown-field at $", fault { fields.end() })
        assertEquals("bundle.manifest-unknown-field at $.b", fault { fields.record("b") { it.find("d") } })
        fields.end()
    }

    @Test
    fun `names are as docs-bundle says`() {
        val names = listOf("a", "A1", "_", "9", "a.b-c_d", "x".repeat(200))
        val others = listOf("", ".a", "-a", "a b", "a/b", "é", "x".repeat(201), "a\n", "a\u0000")
        assertEquals(names, (names + others).filter { it in TextForm.NAME })
        assertEquals(
            listOf("a", "a-b", "a_1"),
            listOf("a", "a-b", "a_1", "A", "1", "_a", "a.b", "a\n", "a".repeat(65)).filter {
                it in
                    TextForm.PART
            },
        )
        assertEquals(listOf("a_1"), listOf("a_1", "a-b", "", "é").filter { it in TextForm.CHOICE })
        assertEquals(
            listOf("", "😀".repeat(1000)),
            listOf("", "😀".repeat(1000), "😀".repeat(1001), "a\u0085", "\u007f").filter {
                it in
                    TextForm.TEXT
            },
        )
        assertEquals(listOf("a/../b", "/"), listOf("a/../b", "/", "", "a\\b", "a b", "é").filter { it in TextForm.PATH })
        assertEquals(
            listOf("0f".repeat(32)),
            listOf("0f".repeat(32), "0F".repeat(32), "0".repeat(63), "g".repeat(64)).filter {
                it in
                    TextForm.SHA256
            },
        )
    }

    @Test
    fun `a sentence says what was found and what is expected`() {
        val error =
            assertFailsWith<BundleException> { fieldsOf("""{"a":[{"b":"x"}]}""").list("a") { item -> item.record { it.int("b", 1..9) } } }
        assertEquals("$.a[0].b is a text; expected an integer", error.message)
        assertEquals(mapOf("path" to "$.a[0].b", "expected" to "an integer", "found" to "a text"), error.fields)
    }

    private fun fieldsOf(text: String) = Fields(StrictJson.parse(text.toByteArray()), "$")

    private fun fault(read: () -> Any?): String {
        val error = assertFailsWith<BundleException> { read() }
        return "${error.code.id} at ${error.fields["path"]}"
    }
}

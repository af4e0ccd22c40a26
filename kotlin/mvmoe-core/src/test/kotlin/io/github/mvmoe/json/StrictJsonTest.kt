package io.github.mvmoe.json

import io.github.mvmoe.BundleException
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertSame
import kotlin.test.assertTrue

class StrictJsonTest {
    @ParameterizedTest
    @ValueSource(
        strings = [
            "", " ", "{", "[", "\"", "\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "[1", "[1,", "{\"a\":1,", "tru", "nul", "-", "nulll",
            "[1,]", "{\"a\":1,}", "[,1]", "[1 2]",
            "{\"a\" 1}", "{a:1}", "{'a':1}", "{1:2}", "{null:1}", "[1]]", "1 1", "{}{}", "]", "}", ",", ":",
            "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "0x1", "1_0", "--1", "-a", "NaN", "nan", "Infinity",
            "-Infinity", "True", "None",
            "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"",
            "\"\\ud800a\"", "\"\\ud800\\n\"", "\"\\", "\"a\nb\"", "\"a\tb\"", "\"\u0000\"", "/**/1", "1//", "#1",
            "\u000b1", "\u000c1", "\u00a01", "\u20281", "1\u0000",
        ],
    )
    fun `what is no JSON is refused`(text: String) {
        assertEquals("bundle.manifest-not-json", codeOf(text.toByteArray()))
    }

    @Test
    fun `bytes that are no UTF-8 are refused`() {
        val wrong = listOf("ff", "c080", "c3", "e282", "eda080", "f8888080", "f4908080", "80", "c3a9ff")
        for (digits in wrong) {
            val bytes = digits.chunked(2).map { it.toInt(16).toByte() }.toByteArray()
            assertEquals("bundle.manifest-not-json", codeOf(byteArrayOf('"'.code.toByte()) + bytes + '"'.code.toByte()), digits)
        }
        assertEquals("bundle.manifest-not-json", codeOf("é".toByteArray()))
    }

    @Test
    fun `texts are read as they were written`() {
        assertEquals("aé€😀\"\\/\b\u000c\n\r\té€😀", text("\"aé€😀\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00\""))
        assertEquals("", text("\"\""))
        assertEquals("a\u007fb", text("\"a\u007fb\""))
        assertEquals("[{,:}]", text("\"[{,:}]\""))
    }

    @Test
    fun `numbers keep how they are written`() {
        for (number in listOf("0", "-0", "1", "-12", "0.5", "1e5", "1E-05", "-1.25e+10", "123456789012345678901234567890", "1e400")) {
            assertEquals(number, assertIs<JsonNumber>(parse(" $number\n")).text)
        }
        assertTrue((parse("-12") as JsonNumber).isInteger)
        assertEquals(listOf(false, false, false), listOf("1.0", "1e2", "1E2").map { (parse(it) as JsonNumber).isInteger })
    }

    @Test
    fun `objects keep the order of their members`() {
        val value = assertIs<JsonObject>(parse("{\"b\" : [ ] ,\"a\": {} , \"\\u0063\" :[true,false,null]}"))
        assertEquals(listOf("b", "a", "c"), value.members.keys.toList())
        val items = assertIs<JsonArray>(value.members["c"]).items
        assertEquals(listOf(true, false), items.take(2).map { (it as JsonBoolean).value })
        assertSame(JsonNull, items[2])
    }

    @Test
    fun `a key twice is refused, however it is written and wherever it is`() {
        for (text in listOf("{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"\\u0061\":1}", "[{\"b\":{\"\":1,\"\":2}}]")) {
            assertEquals("bundle.manifest-duplicate-key", codeOf(text.toByteArray()), text)
        }
        assertIs<JsonObject>(parse("{\"a\":{\"a\":1},\"A\":[{\"a\":1},{\"a\":1}]}"))
    }

    @Test
    fun `more than 64 levels are refused, without a stack for each`() {
        assertIs<JsonArray>(parse("[".repeat(64) + "]".repeat(64)))
        assertEquals("bundle.manifest-too-deep", codeOf(("[".repeat(65) + "]".repeat(65)).toByteArray()))
        assertEquals("bundle.manifest-too-deep", codeOf("{\"a\":".repeat(1_000_000).toByteArray()))
        // Side by side they are not within each other.
        assertIs<JsonArray>(parse("[" + "[[]],".repeat(1000) + "[]]"))
    }

    @Test
    fun `more than 4300 digits are refused`() {
        assertIs<JsonNumber>(parse("-" + "1".repeat(4300)))
        assertEquals("bundle.manifest-out-of-range", codeOf("1".repeat(4301).toByteArray()))
        assertEquals("bundle.manifest-out-of-range", codeOf(("0." + "1".repeat(4300)).toByteArray()))
        assertIs<JsonNumber>(parse("-0." + "1".repeat(4299)))
    }

    @Test
    fun `byte order marks and more than 32 MiB are refused`() {
        assertEquals("bundle.manifest-byte-order-mark", codeOf("\ufeff{}".toByteArray()))
        assertEquals("bundle.manifest-byte-order-mark", codeOf("\ufeff{}".toByteArray(Charsets.UTF_16LE)))
        assertEquals("bundle.manifest-byte-order-mark", codeOf("\ufeff{}".toByteArray(Charsets.UTF_16BE)))
        val most = ByteArray(StrictJson.MOST_BYTES) { ' '.code.toByte() }.also { it[0] = '1'.code.toByte() }
        assertIs<JsonNumber>(StrictJson.parse(most))
        assertEquals("bundle.too-large", codeOf(most + ' '.code.toByte()))
    }

    @Test
    fun `sentences show nothing that a terminal obeys`() {
        val error = assertFailsWith<BundleException> { parse("{\"\\u001b[2J\\u202e\":1,\"\\u001b[2J\\u202e\":1}") }
        assertEquals("the key '\\u001b[2J\\u202e' is there twice", error.message)
        val long = "k".repeat(10_000)
        assertTrue(assertFailsWith<BundleException> { parse("{\"$long\":1,\"$long\":1}") }.message.orEmpty().length < 200)
    }

    private fun parse(text: String) = StrictJson.parse(text.toByteArray())

    private fun text(text: String) = assertIs<JsonString>(parse(text)).text

    private fun codeOf(bytes: ByteArray) = assertFailsWith<BundleException> { StrictJson.parse(bytes) }.code.id
}

package io.github.mvmoe.json

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode

/** Reads one JSON text; [at] is the place of the next byte. */
internal class JsonReader(
    private val bytes: ByteArray,
) {
    private var at = 0
    private var depth = 0
    private val strings = JsonStrings(bytes)
    private val keys = KeyPool()

    fun document(): JsonValue {
        refuseMarks()
        val value = value()
        skipSpace()
        if (at < bytes.size) throw notJson("there is more text after its value", at)
        return value
    }

    private fun refuseMarks() {
        val isMarked = MARKS.any { mark -> mark.indices.all { byteAt(it) == mark[it] } }
        if (isMarked) {
            throw BundleException(
                ErrorCode.BUNDLE_MANIFEST_BYTE_ORDER_MARK,
                "it begins with a byte order mark (BOM); save it as UTF-8 without one",
            )
        }
    }

    private fun value(): JsonValue {
        skipSpace()
        return when (byteAt(at)) {
            '{'.code -> nested(::members)
            '['.code -> nested(::items)
            '"'.code -> JsonString(string())
            't'.code -> word("true", JsonBoolean(true))
            'f'.code -> word("false", JsonBoolean(false))
            'n'.code -> word("null", JsonNull)
            '-'.code, in DIGITS -> number()
            else -> throw notJson("a value is expected", at)
        }
    }

    /** Goes one level deeper; the limit also bounds the stack. */
    private fun nested(read: () -> JsonValue): JsonValue {
        if (++depth > StrictJson.MOST_DEPTH) {
            throw BundleException(
                ErrorCode.BUNDLE_MANIFEST_TOO_DEEP,
                "it has more than ${StrictJson.MOST_DEPTH} objects and arrays within each other",
            )
        }
        at++
        return read().also { depth-- }
    }

    private fun members(): JsonObject {
        if (ends('}')) return NO_MEMBERS
        val members = LinkedHashMap<String, JsonValue>(FEW)
        do {
            skipSpace()
            if (byteAt(at) != '"'.code) throw notJson("a key in double quotes is expected", at)
            val key = keys.shared(string())
            expect(':')
            if (members.put(key, value()) != null) throw twice(key)
        } while (continues('}'))
        return JsonObject(members)
    }

    private fun items(): JsonArray {
        if (ends(']')) return NO_ITEMS
        val items = ArrayList<JsonValue>(FEW)
        do items.add(value()) while (continues(']'))
        items.trimToSize()
        return JsonArray(items)
    }

    private fun string(): String = strings.read(at).also { at = strings.end }

    private fun number(): JsonNumber {
        val start = at
        if (byteAt(at) == '-'.code) at++
        if (byteAt(at) == '0'.code) at++ else skipDigits()
        if (byteAt(at) == '.'.code) {
            at++
            skipDigits()
        }
        if (byteAt(at) == 'e'.code || byteAt(at) == 'E'.code) {
            at++
            if (byteAt(at) == '+'.code || byteAt(at) == '-'.code) at++
            skipDigits()
        }
        if (at - start > StrictJson.MOST_DIGITS) requireFewDigits(start)
        return if (at - start ==
            1
        ) {
            DIGIT_NUMBERS[bytes[start] - '0'.code]
        } else {
            JsonNumber(String(bytes, start, at - start, Charsets.ISO_8859_1))
        }
    }

    private fun requireFewDigits(start: Int) {
        val digits = (start until at).count { byteAt(it) in DIGITS }
        if (digits <= StrictJson.MOST_DIGITS) return
        throw BundleException(
            ErrorCode.BUNDLE_MANIFEST_OUT_OF_RANGE,
            "it has a number of $digits digits; at most ${StrictJson.MOST_DIGITS} are read",
        )
    }

    private fun skipDigits() {
        val start = at
        while (byteAt(at) in DIGITS) at++
        if (at == start) throw notJson("a digit is expected", at)
    }

    private fun word(
        word: String,
        value: JsonValue,
    ): JsonValue {
        val isThere = word.indices.all { byteAt(at + it) == word[it].code }
        if (!isThere) throw notJson("a value is expected", at)
        at += word.length
        return value
    }

    /** Whether the object or array has nothing (more) in it. */
    private fun ends(bracket: Char): Boolean {
        skipSpace()
        return (byteAt(at) == bracket.code).also { if (it) at++ }
    }

    private fun continues(bracket: Char): Boolean {
        if (ends(bracket)) return false
        if (byteAt(at) != ','.code) throw notJson("a comma or '$bracket' is expected", at)
        at++
        return true
    }

    private fun expect(sign: Char) {
        skipSpace()
        if (byteAt(at) != sign.code) throw notJson("'$sign' is expected", at)
        at++
    }

    private fun skipSpace() {
        while (true) {
            when (byteAt(at)) {
                ' '.code, '\t'.code, '\n'.code, '\r'.code -> at++
                else -> return
            }
        }
    }

    /** The byte as a number from 0 to 255; -1 behind the end. */
    private fun byteAt(place: Int): Int = if (place < bytes.size) bytes[place].toInt() and 0xff else -1

    private fun twice(key: String): BundleException =
        BundleException(
            ErrorCode.BUNDLE_MANIFEST_DUPLICATE_KEY,
            "the key ${quoted(key)} is there twice",
            mapOf("name" to shortened(key)),
        )

    private companion object {
        val DIGITS = '0'.code..'9'.code

        // A long text of brackets and digits alone would else take far more memory than its size.
        val DIGIT_NUMBERS = List(10) { JsonNumber(it.toString()) }
        val NO_MEMBERS = JsonObject(LinkedHashMap(0))
        val NO_ITEMS = JsonArray(emptyList())

        /** What most objects and arrays of a text have at most. */
        const val FEW = 4

        /** The byte order marks of UTF-8 and UTF-16. */
        val MARKS = listOf(listOf(0xef, 0xbb, 0xbf), listOf(0xff, 0xfe), listOf(0xfe, 0xff))
    }
}

/** The error for a text that is no JSON; [reason] is a clause. */
internal fun notJson(
    reason: String,
    at: Int,
): BundleException = BundleException(ErrorCode.BUNDLE_MANIFEST_NOT_JSON, "it is no strict JSON: $reason at byte $at")

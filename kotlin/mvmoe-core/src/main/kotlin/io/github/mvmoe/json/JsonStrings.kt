package io.github.mvmoe.json

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/** Reads the strings of a JSON text. */
internal class JsonStrings(
    private val bytes: ByteArray,
) {
    private val decoder = Charsets.UTF_8.newDecoder()

    /** The place behind the closing quote of the last string. */
    var end: Int = 0
        private set

    /** The string whose opening quote is at [quote]. */
    fun read(quote: Int): String {
        val start = quote + 1
        val stop = plainUntil(start)
        return if (byteAt(stop) == BACKSLASH) escaped(start, stop) else decoded(start, stop).also { end = stop + 1 }
    }

    private fun escaped(
        start: Int,
        firstEscape: Int,
    ): String {
        val text = StringBuilder(decoded(start, firstEscape))
        end = firstEscape
        while (byteAt(end) == BACKSLASH) {
            escape(text)
            val stop = plainUntil(end)
            text.append(decoded(end, stop))
            end = stop
        }
        end++
        return text.toString()
    }

    /** The next quote or backslash. */
    private fun plainUntil(start: Int): Int {
        var place = start
        while (true) {
            when (byteAt(place)) {
                '"'.code, BACKSLASH -> return place
                -1 -> throw notJson("a text ends without its quote", place)
                in 0x00..0x1f -> throw notJson("a control character stands in a text without an escape", place)
            }
            place++
        }
    }

    /** Appends what the escape at [end] stands for, and goes behind it. */
    private fun escape(text: StringBuilder) {
        val start = end
        end += 2
        when (byteAt(start + 1)) {
            '"'.code -> text.append('"')
            BACKSLASH -> text.append('\\')
            '/'.code -> text.append('/')
            'b'.code -> text.append('\b')
            'f'.code -> text.append('\u000c')
            'n'.code -> text.append('\n')
            'r'.code -> text.append('\r')
            't'.code -> text.append('\t')
            'u'.code -> unicode(text, start)
            else -> throw notJson("an escape is unknown", start)
        }
    }

    private fun unicode(
        text: StringBuilder,
        start: Int,
    ) {
        val unit = codeUnit(start)
        end = start + ESCAPE
        text.append(unit)
        if (!unit.isSurrogate()) return
        val other = if (byteAt(end) == BACKSLASH && byteAt(end + 1) == 'u'.code) codeUnit(end) else null
        if (!unit.isHighSurrogate() || other == null || !other.isLowSurrogate()) throw notJson("half a character is escaped", start)
        end += ESCAPE
        text.append(other)
    }

    /** The four digits behind the `\u` at [start]. */
    private fun codeUnit(start: Int): Char {
        val code = (2 until ESCAPE).fold(0) { sum, digit -> sum * 16 + hexadecimal(start + digit) }
        return code.toChar()
    }

    private fun hexadecimal(place: Int): Int =
        when (val byte = byteAt(place)) {
            in '0'.code..'9'.code -> byte - '0'.code
            in 'a'.code..'f'.code -> byte - 'a'.code + 10
            in 'A'.code..'F'.code -> byte - 'A'.code + 10
            else -> throw notJson("a hexadecimal digit is expected", place)
        }

    private fun decoded(
        start: Int,
        stop: Int,
    ): String {
        val isAscii = (start until stop).all { bytes[it] >= 0 }
        if (isAscii) return String(bytes, start, stop - start, Charsets.ISO_8859_1)
        try {
            return decoder.decode(ByteBuffer.wrap(bytes, start, stop - start)).toString()
        } catch (_: CharacterCodingException) {
            throw notJson("a text is not in UTF-8", start)
        }
    }

    private fun byteAt(place: Int): Int = if (place < bytes.size) bytes[place].toInt() and 0xff else -1

    private companion object {
        const val BACKSLASH = '\\'.code

        /** The length of an escape like `\u00e9`. */
        const val ESCAPE = 6
    }
}

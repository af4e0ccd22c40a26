package io.github.mvmoe.json

private const val LONGEST = 80

/**
 * A text that others wrote, as it stands in a sentence: in quotes, not too long, and with an escape for each character that a
 * terminal or a log may obey.
 */
internal fun quoted(
    text: String,
    most: Int = LONGEST,
): String = "'" + shortened(escaped(text, most), most) + "'"

/** The beginning of a text that is too long. */
internal fun shortened(
    text: String,
    most: Int = LONGEST,
): String = if (text.length <= most) text else text.substring(0, most) + "..."

private fun escaped(
    text: String,
    most: Int,
): String {
    val result = StringBuilder()
    for (letter in text) {
        if (result.length > most) break
        if (isObeyed(letter)) result.append("\\u").append(letter.code.toString(16).padStart(4, '0')) else result.append(letter)
    }
    return result.toString()
}

/** Controls, separators of lines, what turns the direction of the text around it, and halves of characters. */
private fun isObeyed(letter: Char): Boolean =
    when (letter.code) {
        in 0x00..0x1f, in 0x7f..0x9f, 0x061c, 0x200e, 0x200f, in 0x2028..0x202e, in 0x2066..0x2069, in 0xd800..0xdfff -> true
        else -> false
    }

package io.github.mvmoe.bench

/** What a line, or a part of one, consists of: its fields by their names, in their order. */
internal interface Encodable {
    fun fields(): Map<String, Any?>
}

/**
 * A value as JSON, in one line.
 *
 * It takes null, booleans, numbers, texts, lists, maps by text, and what this module encodes. A number has as many digits as tell
 * it apart from every other one of its type; one that is not finite is refused.
 */
internal fun jsonText(value: Any?): String = StringBuilder().also { it.value(value) }.toString()

private fun StringBuilder.value(value: Any?) {
    when (value) {
        null -> append("null")
        is Boolean -> append(value)
        is Number -> number(value)
        is String -> text(value)
        is Map<*, *> -> members(value)
        is List<*> -> items(value)
        is Encodable -> members(value.fields())
        is Held -> members(value.fields())
        is EngineVariant -> members(value.fields())
        else -> throw IllegalArgumentException("${value.javaClass.name} cannot be written as JSON; give plain data")
    }
}

private fun StringBuilder.number(number: Number) {
    require(number.toDouble().isFinite()) { "$number cannot be written as JSON; give a finite number" }
    append(number)
}

private fun StringBuilder.members(members: Map<*, *>) {
    append('{')
    var isFirst = true
    for ((name, value) in members) {
        if (!isFirst) append(',')
        isFirst = false
        text(name as String)
        append(':')
        value(value)
    }
    append('}')
}

private fun StringBuilder.items(items: List<*>) {
    append('[')
    for ((place, item) in items.withIndex()) {
        if (place > 0) append(',')
        value(item)
    }
    append(']')
}

private fun StringBuilder.text(text: String) {
    append('"')
    for (letter in text) {
        when {
            letter == '"' || letter == '\\' -> append('\\').append(letter)
            letter == '\n' -> append("\\n")
            letter < ' ' -> append("\\u").append(letter.code.toString(HEXADECIMAL).padStart(ESCAPE_DIGITS, '0'))
            else -> append(letter)
        }
    }
    append('"')
}

private const val HEXADECIMAL = 16
private const val ESCAPE_DIGITS = 4

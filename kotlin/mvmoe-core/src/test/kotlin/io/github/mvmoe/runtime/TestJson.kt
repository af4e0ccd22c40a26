package io.github.mvmoe.runtime

import io.github.mvmoe.json.JsonArray
import io.github.mvmoe.json.JsonBoolean
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonString
import io.github.mvmoe.json.JsonValue

/** A JSON text of maps, lists, texts without characters to escape, numbers, booleans and null. */
internal fun jsonText(value: Any?): String =
    when (value) {
        is Map<*, *> -> value.entries.joinToString(",", "{", "}") { "${jsonText(it.key)}:${jsonText(it.value)}" }
        is List<*> -> value.joinToString(",", "[", "]") { jsonText(it) }
        is String -> "\"$value\""
        else -> value.toString()
    }

/** What a JSON text says, as maps, lists, texts, numbers (`Long` or `Double`), booleans and null. */
internal fun plain(value: JsonValue): Any? =
    when (value) {
        is JsonObject -> value.members.mapValues { plain(it.value) }
        is JsonArray -> value.items.map(::plain)
        is JsonString -> value.text
        is JsonNumber -> if (value.isInteger) value.text.toLong() else value.text.toDouble()
        is JsonBoolean -> value.value
        JsonNull -> null
    }

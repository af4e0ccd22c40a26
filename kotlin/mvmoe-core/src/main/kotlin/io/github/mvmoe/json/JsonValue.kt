package io.github.mvmoe.json

/** What a JSON text says. */
internal sealed interface JsonValue

/** An object; its members are in the order of the text. */
internal class JsonObject(
    val members: LinkedHashMap<String, JsonValue>,
) : JsonValue

internal class JsonArray(
    val items: List<JsonValue>,
) : JsonValue

internal class JsonString(
    val text: String,
) : JsonValue

/** A number as it is written: whoever asks for it says which type it needs. */
internal class JsonNumber(
    val text: String,
) : JsonValue {
    /** Whether it is written without a fraction and without an exponent. */
    val isInteger: Boolean get() = text.none { it == '.' || it == 'e' || it == 'E' }
}

internal class JsonBoolean(
    val value: Boolean,
) : JsonValue

internal object JsonNull : JsonValue

/** What a value is, in a sentence. */
internal fun JsonValue.kind(): String =
    when (this) {
        is JsonObject -> "an object"
        is JsonArray -> "an array"
        is JsonString -> "a text"
        is JsonNumber -> if (isInteger) "an integer" else "a number with a fraction or exponent"
        is JsonBoolean -> "a boolean"
        JsonNull -> "null"
    }

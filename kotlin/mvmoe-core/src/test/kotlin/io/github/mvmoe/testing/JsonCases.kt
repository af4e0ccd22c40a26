package io.github.mvmoe.testing

import io.github.mvmoe.json.JsonArray
import io.github.mvmoe.json.JsonBoolean
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonString
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.json.StrictJson
import java.io.File

/** Cases of a conformance suite: a file below `tests/conformance`. */
internal fun conformanceFile(path: String): JsonValue = StrictJson.parse(File(conformanceFolder, path).readBytes())

internal val conformanceFolder: File get() = File(System.getProperty("mvmoe.repository"), "tests/conformance")

/** Cases that are a resource of the tests. */
internal fun resource(path: String): JsonValue =
    StrictJson.parse(checkNotNull(JsonCases::class.java.getResourceAsStream("/$path")) { "no resource $path" }.use { it.readBytes() })

private object JsonCases

internal operator fun JsonValue.get(name: String): JsonValue = members().getValue(name)

internal fun JsonValue.members(): Map<String, JsonValue> = (this as JsonObject).members

internal fun JsonValue.items(): List<JsonValue> = (this as JsonArray).items

internal fun JsonValue.text(): String = (this as JsonString).text

internal fun JsonValue.int(): Int = (this as JsonNumber).text.toInt()

internal fun JsonValue.ints(): List<Int> = items().map { it.int() }

/** A number; null, and the text `inf`, which JSON has no number for. */
internal fun JsonValue.doubleOrNull(): Double? =
    when (this) {
        JsonNull -> null
        is JsonString -> Double.POSITIVE_INFINITY.takeIf { text == "inf" } ?: error("$text is no number")
        else -> (this as JsonNumber).text.toDouble()
    }

internal fun JsonValue.double(): Double = checkNotNull(doubleOrNull())

internal fun JsonValue.boolean(): Boolean = (this as JsonBoolean).value

/** Numbers of fp32 from 8 hexadecimal digits each, the most significant first. */
internal fun JsonValue.floats(): FloatArray = fromBits(text())

internal fun fromBits(text: String): FloatArray = text.chunked(8).map { Float.fromBits(it.toLong(16).toInt()) }.toFloatArray()

/** The same digits of numbers that fp32 holds; a number between two of them makes the whole `between`. */
internal fun toBits(numbers: List<Double>): String {
    if (numbers.any { !it.isNaN() && it.toFloat().toDouble() != it }) return "between"
    return numbers.joinToString("") { Integer.toHexString(it.toFloat().toRawBits()).padStart(8, '0') }
}

internal fun JsonValue.shown(): String =
    when (this) {
        is JsonObject -> members.mapValues { it.value.shown() }.toString()
        is JsonArray -> items.map { it.shown() }.toString()
        is JsonString -> text
        is JsonNumber -> text
        else -> toString()
    }

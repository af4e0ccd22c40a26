package io.github.mvmoe.bundle

import io.github.mvmoe.json.JsonArray
import io.github.mvmoe.json.JsonBoolean
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonString
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.json.StrictJson
import java.math.BigDecimal
import java.security.MessageDigest

/** A manifest as data that tests change: maps, lists, texts, numbers. */
internal typealias Plain = MutableMap<String, Any?>

/** The manifest of a valid bundle of the conformance cases. */
internal fun plainManifest(bundle: String): Plain = changeable(StrictJson.parse(BundlesSuite.valid.getValue(bundle).manifest)).asPlain()

internal val ValidBundle.manifest: ByteArray get() = files.getValue("manifest.json")

private fun changeable(value: JsonValue): Any? =
    when (value) {
        is JsonObject -> value.members.mapValuesTo(LinkedHashMap()) { changeable(it.value) }
        is JsonArray -> value.items.mapTo(ArrayList(), ::changeable)
        is JsonString -> value.text
        is JsonNumber -> BigDecimal(value.text)
        is JsonBoolean -> value.value
        JsonNull -> null
    }

@Suppress("UNCHECKED_CAST")
internal fun Any?.asPlain(): Plain = this as Plain

@Suppress("UNCHECKED_CAST")
internal fun Any?.asItems(): MutableList<Any?> = this as MutableList<Any?>

/** The text of plain data; names and texts of tests need no escapes. */
internal fun jsonText(value: Any?): String = StringBuilder().also { write(value, it) }.toString()

private fun write(
    value: Any?,
    text: StringBuilder,
) {
    when (value) {
        is Map<*, *> -> {
            joined(value.entries, "{", "}", text) {
                text.append('"').append(it.key).append("\":").also { _ ->
                    write(it.value, text)
                }
            }
        }

        is Iterable<*> -> {
            joined(value, "[", "]", text) { write(it, text) }
        }

        is String -> {
            text.append('"').append(value).append('"')
        }

        else -> {
            text.append(value)
        }
    }
}

private fun <T> joined(
    items: Iterable<T>,
    open: String,
    close: String,
    text: StringBuilder,
    each: (T) -> Unit,
) {
    text.append(open)
    items.forEachIndexed { index, item ->
        if (index > 0) text.append(',')
        each(item)
    }
    text.append(close)
}

/** A manifest with all checks. */
internal fun manifestOf(plain: Map<String, Any?>): Manifest =
    ManifestReader.read(StrictJson.parse(jsonText(plain).toByteArray())).also(Consistency::check)

internal fun sha256Of(bytes: ByteArray): String = hexadecimal(MessageDigest.getInstance("SHA-256").digest(bytes))

internal fun recordOf(
    path: String,
    bytes: ByteArray,
): FileRecord = FileRecord(path, bytes.size.toLong(), sha256Of(bytes))

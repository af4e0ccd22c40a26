package io.github.mvmoe.json

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import java.util.Collections

/**
 * A value with its place; asks what it is, and refuses all else.
 *
 * Every method raises [BundleException] with the code `bundle.manifest-wrong-type` or `bundle.manifest-out-of-range`.
 */
internal class Field(
    val value: JsonValue,
    val path: JsonPath,
) {
    fun boolean(): Boolean = (value as? JsonBoolean ?: throw wrongType("a boolean")).value

    fun long(range: LongRange): Long {
        val text = integer()
        return text.toLongOrNull()?.takeIf { it in range } ?: throw outOfRange("an integer from ${range.first} to ${range.last}", text)
    }

    fun int(range: IntRange): Int {
        val text = integer()
        return text.toIntOrNull()?.takeIf { it in range } ?: throw outOfRange("an integer from ${range.first} to ${range.last}", text)
    }

    /** An integer of any size: one that no `Int` holds becomes the largest or the smallest. */
    fun anyInt(): Int {
        val text = integer()
        return text.toIntOrNull() ?: if (text.startsWith('-')) Int.MIN_VALUE else Int.MAX_VALUE
    }

    fun number(range: NumberRange): Double {
        val text = (value as? JsonNumber ?: throw wrongType("a number $range")).text
        return text.toDouble().takeIf { it in range } ?: throw outOfRange("a number $range", text)
    }

    fun text(form: TextForm = TextForm.TEXT): String {
        val text = (value as? JsonString ?: throw wrongType(form)).text
        return text.takeIf { it in form } ?: throw outOfRange(form, quoted(text))
    }

    fun oneOf(known: Collection<String>): String {
        val text = (value as? JsonString ?: throw wrongType(words(known))).text
        return text.takeIf { it in known } ?: throw outOfRange(words(known), quoted(text))
    }

    fun <T> list(
        sizes: IntRange = ANY_SIZE,
        read: (Field) -> T,
    ): List<T> {
        val items = (value as? JsonArray ?: throw wrongType("an array")).items
        requireSize(items.size, sizes, "items")
        val result = items.mapIndexedTo(ArrayList(items.size)) { index, item -> read(Field(item, path.item(index))) }
        return Collections.unmodifiableList(result)
    }

    /** An object of any members, whose keys have the form [keys]; in the order of the text. */
    fun <T> map(
        keys: TextForm = TextForm.NAME,
        sizes: IntRange = ANY_SIZE,
        read: (Field) -> T,
    ): Map<String, T> = named(keys, sizes) { _, field -> read(field) }

    /** As [map], for members that have to know their key. */
    fun <T> named(
        keys: TextForm = TextForm.NAME,
        sizes: IntRange = ANY_SIZE,
        read: (String, Field) -> T,
    ): Map<String, T> {
        val members = members()
        requireSize(members.size, sizes, "members")
        val result = LinkedHashMap<String, T>()
        for ((key, member) in members) {
            if (key !in keys) throw outOfRange("keys that are each $keys", "with the key ${quoted(key)}")
            result[key] = read(key, Field(member, path.member(key)))
        }
        return Collections.unmodifiableMap(result)
    }

    /** The members of an object by name. */
    fun members(): Map<String, JsonValue> = (value as? JsonObject ?: throw wrongType("an object")).members

    /** An object of known fields; refuses those that [read] has not asked for. */
    fun <T> record(read: (Fields) -> T): T {
        val fields = Fields(value, path)
        return read(fields).also { fields.end() }
    }

    /** What [read] makes of the value; null for null. */
    fun <T : Any> orNull(read: (Field) -> T): T? = if (value == JsonNull) null else read(this)

    private fun integer(): String {
        val number = value as? JsonNumber
        if (number == null || !number.isInteger) throw wrongType("an integer")
        return number.text
    }

    private fun requireSize(
        size: Int,
        sizes: IntRange,
        what: String,
    ) {
        if (size !in sizes) throw outOfRange("${words(sizes)} $what", "of $size $what")
    }

    private fun words(known: Collection<String>) = known.joinToString(prefix = "one of ")

    private fun words(sizes: IntRange): String =
        when {
            sizes.last == Int.MAX_VALUE -> "at least ${sizes.first}"
            sizes.first == 0 -> "at most ${sizes.last}"
            else -> "${sizes.first} to ${sizes.last}"
        }

    private fun wrongType(expected: Any): BundleException =
        BundleException(
            ErrorCode.BUNDLE_MANIFEST_WRONG_TYPE,
            "$path is ${value.kind()}; expected $expected",
            mapOf("path" to path.toString(), "expected" to expected.toString(), "found" to value.kind()),
        )

    private fun outOfRange(
        expected: Any,
        found: String,
    ): BundleException =
        BundleException(
            ErrorCode.BUNDLE_MANIFEST_OUT_OF_RANGE,
            "$path is ${shortened(found)}; expected $expected",
            mapOf("path" to path.toString(), "expected" to expected.toString()),
        )

    companion object {
        val ANY_SIZE: IntRange = 0..Int.MAX_VALUE
    }
}

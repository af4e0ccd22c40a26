package io.github.mvmoe.json

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode

/**
 * The fields of one object of a manifest: each is asked for by its name, and [end] refuses the others.
 *
 * Raises [BundleException] with the codes `bundle.manifest-...`. Where a method has a default, the field may be left out.
 */
internal class Fields(
    value: JsonValue,
    val path: JsonPath,
) {
    constructor(value: JsonValue, where: String) : this(value, JsonPath(where))

    private val members = Field(value, path).members()
    private val asked = HashSet<String>()

    /** A field that must be there. */
    operator fun get(name: String): Field = find(name) ?: throw missing(name)

    /** A field that may be left out; null where it is. */
    fun find(name: String): Field? {
        asked.add(name)
        return members[name]?.let { Field(it, path.member(name)) }
    }

    fun boolean(
        name: String,
        default: Boolean? = null,
    ): Boolean = required(name, default) { boolean() }

    fun int(
        name: String,
        range: IntRange,
        default: Int? = null,
    ): Int = required(name, default) { int(range) }

    fun long(
        name: String,
        range: LongRange,
        default: Long? = null,
    ): Long = required(name, default) { long(range) }

    fun number(
        name: String,
        range: NumberRange,
        default: Double? = null,
    ): Double = required(name, default) { number(range) }

    fun text(
        name: String,
        form: TextForm = TextForm.TEXT,
        default: String? = null,
    ): String = required(name, default) { text(form) }

    fun name(name: String): String = text(name, TextForm.NAME)

    fun oneOf(
        name: String,
        known: Collection<String>,
        default: String? = null,
    ): String = required(name, default) { oneOf(known) }

    fun numbers(
        name: String,
        range: NumberRange,
        sizes: IntRange = Field.ANY_SIZE,
        default: List<Double>? = null,
    ): List<Double> = required(name, default) { list(sizes) { it.number(range) } }

    fun <T : Any> list(
        name: String,
        sizes: IntRange = Field.ANY_SIZE,
        default: List<T>? = null,
        read: (Field) -> T,
    ): List<T> = required(name, default) { list(sizes, read) }

    fun <T : Any> map(
        name: String,
        keys: TextForm = TextForm.NAME,
        sizes: IntRange = Field.ANY_SIZE,
        default: Map<String, T>? = null,
        read: (Field) -> T,
    ): Map<String, T> = required(name, default) { map(keys, sizes, read) }

    /** A field that must be there, and may be null. */
    fun <T : Any> nullable(
        name: String,
        read: (Field) -> T,
    ): T? = get(name).orNull(read)

    /** A field that may be null, and is so where it is left out. */
    fun <T : Any> optional(
        name: String,
        read: (Field) -> T,
    ): T? = find(name)?.orNull(read)

    /** An object of known fields. */
    fun <T> record(
        name: String,
        read: (Fields) -> T,
    ): T = get(name).record(read)

    /** The fields of an object; the caller calls their [end]. */
    fun fields(name: String): Fields = get(name).let { Fields(it.value, it.path) }

    /** Refuses fields that nobody has asked for; called last. */
    fun end() {
        val unknown = members.keys.firstOrNull { it !in asked } ?: return
        throw BundleException(
            ErrorCode.BUNDLE_MANIFEST_UNKNOWN_FIELD,
            "$path has the field ${quoted(unknown)}, which this release does not know",
            mapOf("path" to path.toString(), "name" to shortened(unknown)),
        )
    }

    private fun <T : Any> required(
        name: String,
        default: T?,
        read: Field.() -> T,
    ): T = if (default == null) get(name).read() else find(name)?.read() ?: default

    private fun missing(name: String): BundleException =
        BundleException(
            ErrorCode.BUNDLE_MANIFEST_MISSING_FIELD,
            "$path lacks the field $name",
            mapOf("path" to path.toString(), "name" to name),
        )
}

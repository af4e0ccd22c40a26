package io.github.mvmoe.routing

import io.github.mvmoe.json.JsonArray
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonString
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.json.StrictJson
import java.io.File

/** A reader refuses a rule, logits, choices or a route, with a code of `docs/errors.md`. */
class RefusedException(
    val code: String,
) : RuntimeException(code)

/** A route, and the gates of its experts: doubles, so that a reader can fail to round them. */
internal class Answer(
    val route: List<Int>,
    val gates: List<Double>,
)

/** An implementation of *Routing* in `docs/bundle.md`; rules are plain data, and logits are empty where there is no router. */
internal interface RoutingReader {
    fun select(
        rule: JsonObject,
        logits: FloatArray,
    ): Answer

    fun choose(
        rule: JsonObject,
        choices: Map<String, String>,
        logits: FloatArray,
    ): Answer

    /** What a golden image takes, by its number. */
    fun inTurn(
        rule: JsonObject,
        image: Int,
        logits: FloatArray,
    ): Answer

    /** The gates of a route that is imposed. */
    fun gates(
        rule: JsonObject,
        route: List<Int>,
        logits: FloatArray,
    ): List<Double>
}

/** One row of `tests/conformance/routing/cases`, with the rule of its case. */
internal class RoutingRow(
    val file: String,
    val rule: JsonObject,
    private val fields: Map<String, JsonValue>,
) {
    val logits: FloatArray = fromBits((fields.getValue("logits") as JsonString).text)

    /** Null where the row has none; infinite where it has null. */
    val margin: Double? =
        fields["margin"]?.let { if (it == JsonNull) Double.POSITIVE_INFINITY else (it as JsonNumber).text.toDouble() }

    val isImposed: Boolean get() = "imposed" in fields

    private val expected = Triple(fields["route"]?.integers(), fields["gates"]?.text(), fields["code"]?.text())

    /** What a reader gets wrong in this row; null if nothing. */
    fun failureOf(reader: RoutingReader): String? {
        val found =
            try {
                answerOf(reader)
            } catch (refused: RefusedException) {
                Triple(null, null, refused.code)
            }
        return if (found == expected) null else "$file ${rule.shown()} ${fields.mapValues { it.value.shown() }} gave $found"
    }

    private fun answerOf(reader: RoutingReader): Triple<List<Int>?, String?, String?> {
        fields["imposed"]?.let { return Triple(null, toBits(reader.gates(rule, it.integers(), logits)), null) }
        val golden = fields["golden"]
        val choices = fields["choices"]
        val answer =
            when {
                golden != null -> reader.inTurn(rule, (golden as JsonNumber).text.toInt(), logits)
                choices != null -> reader.choose(rule, (choices as JsonObject).members.mapValues { it.value.text() }, logits)
                else -> reader.select(rule, logits)
            }
        return Triple(answer.route, toBits(answer.gates), null)
    }
}

internal object RoutingSuite {
    private val folder = File(System.getProperty("mvmoe.repository"), "tests/conformance/routing/cases")

    /** Every row of every file, by the file's name. */
    val rows: Map<String, List<RoutingRow>> by lazy {
        folder
            .listFiles { file -> file.extension == "json" }
            .orEmpty()
            .sorted()
            .associate { it.nameWithoutExtension to rowsOf(it) }
    }

    fun failuresOf(reader: RoutingReader): Sequence<String> =
        rows.values
            .asSequence()
            .flatten()
            .mapNotNull { it.failureOf(reader) }

    private fun rowsOf(file: File): List<RoutingRow> {
        val cases = (StrictJson.parse(file.readBytes()) as JsonObject).members.getValue("cases") as JsonArray
        return cases.items.map { (it as JsonObject).members }.flatMap { case ->
            val rule = case.getValue("rule") as JsonObject
            (case.getValue("rows") as JsonArray).items.map { RoutingRow(file.nameWithoutExtension, rule, (it as JsonObject).members) }
        }
    }
}

/** Numbers of fp32 from 8 hexadecimal digits each, the most significant first. */
internal fun fromBits(text: String): FloatArray =
    text.chunked(8).map { java.lang.Float.intBitsToFloat(it.toLong(16).toInt()) }.toFloatArray()

/** The same digits of numbers that fp32 holds; a number between two of them makes the whole `between`. */
internal fun toBits(numbers: List<Double>): String {
    if (numbers.any { !it.isNaN() && it.toFloat().toDouble() != it }) return "between"
    return numbers.joinToString("") { Integer.toHexString(it.toFloat().toRawBits()).padStart(8, '0') }
}

internal fun JsonValue.integers(): List<Int> = (this as JsonArray).items.map { (it as JsonNumber).text.toInt() }

internal fun JsonValue.text(): String = (this as JsonString).text

private fun JsonValue.shown(): String =
    when (this) {
        is JsonObject -> members.mapValues { it.value.shown() }.toString()
        is JsonArray -> items.map { it.shown() }.toString()
        is JsonString -> text
        is JsonNumber -> text
        else -> toString()
    }

package io.github.mvmoe.routing

import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.testing.conformanceFile
import io.github.mvmoe.testing.conformanceFolder
import io.github.mvmoe.testing.double
import io.github.mvmoe.testing.floats
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.int
import io.github.mvmoe.testing.ints
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.members
import io.github.mvmoe.testing.shown
import io.github.mvmoe.testing.text
import io.github.mvmoe.testing.toBits

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
    val logits: FloatArray = fields.getValue("logits").floats()

    /** Null where the row has none; infinite where it has null. */
    val margin: Double? = fields["margin"]?.let { if (it == JsonNull) Double.POSITIVE_INFINITY else it.double() }

    val isImposed: Boolean get() = "imposed" in fields

    private val expected = Triple(fields["route"]?.ints(), fields["gates"]?.text(), fields["code"]?.text())

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
        fields["imposed"]?.let { return Triple(null, toBits(reader.gates(rule, it.ints(), logits)), null) }
        val golden = fields["golden"]
        val choices = fields["choices"]
        val answer =
            when {
                golden != null -> reader.inTurn(rule, golden.int(), logits)
                choices != null -> reader.choose(rule, choices.members().mapValues { it.value.text() }, logits)
                else -> reader.select(rule, logits)
            }
        return Triple(answer.route, toBits(answer.gates), null)
    }
}

internal object RoutingSuite {
    private const val FOLDER = "routing/cases"

    /** Every row of every file, by the file's name. */
    val rows: Map<String, List<RoutingRow>> by lazy {
        conformanceFolder.resolve(FOLDER).list { _, name -> name.endsWith(".json") }.orEmpty().sorted().associate { name ->
            name.removeSuffix(".json") to rowsOf(name)
        }
    }

    fun failuresOf(reader: RoutingReader): Sequence<String> =
        rows.values
            .asSequence()
            .flatten()
            .mapNotNull { it.failureOf(reader) }

    private fun rowsOf(name: String): List<RoutingRow> =
        conformanceFile("$FOLDER/$name")["cases"].items().flatMap { case ->
            case["rows"].items().map { RoutingRow(name.removeSuffix(".json"), case["rule"] as JsonObject, it.members()) }
        }
}

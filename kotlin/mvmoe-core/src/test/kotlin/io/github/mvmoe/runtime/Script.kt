package io.github.mvmoe.runtime

import io.github.mvmoe.json.StrictJson
import java.io.File

/** A graph of a script. */
internal class ScriptGraph(
    val name: String,
    val bytes: Long,
    val share: Double,
)

/** One step of a script, by the names of its fields. */
internal class ScriptStep(
    private val fields: Map<String, Any?>,
) {
    val action: String get() = text("do")
    val then: Any? get() = fields["then"]

    fun text(name: String): String = fields.getValue(name) as String

    fun long(name: String): Long? = fields[name] as Long?

    fun texts(name: String): List<String> = list(name).map { it as String }

    fun list(name: String): List<Any?> = fields[name] as List<Any?>? ?: emptyList()

    override fun toString(): String = (fields - "then").toString()
}

/** A script of `tests/conformance/residency`. */
internal class Script(
    val name: String,
    /** The graphs of each routed stage, in the order of their experts. */
    val stages: List<List<ScriptGraph>>,
    val steps: List<ScriptStep>,
)

internal object Scripts {
    private val folder =
        File(checkNotNull(System.getProperty("mvmoe.repository")), "tests/conformance/residency/cases")

    /** The scripts of each file; those that nobody chose come last, since they are long. */
    val files: Map<String, List<Script>> =
        checkNotNull(folder.listFiles())
            .sortedBy { it.name }
            .sortedBy { "chance" in it.name }
            .associate { it.name.removeSuffix(".json") to read(it) }

    @Suppress("UNCHECKED_CAST")
    private fun read(file: File): List<Script> {
        val content = plain(StrictJson.parse(file.readBytes())) as Map<String, List<Map<String, Any?>>>
        return content.getValue("scripts").map { script ->
            Script(
                name = script.getValue("name") as String,
                stages = (script.getValue("stages") as List<List<Map<String, Any?>>>).map { row -> row.map(::graph) },
                steps = (script.getValue("steps") as List<Map<String, Any?>>).map(::ScriptStep),
            )
        }
    }

    private fun graph(fields: Map<String, Any?>) =
        ScriptGraph(
            name = fields.getValue("name") as String,
            bytes = fields.getValue("bytes") as Long,
            share = (fields["share"] as Number?)?.toDouble() ?: 0.0,
        )
}

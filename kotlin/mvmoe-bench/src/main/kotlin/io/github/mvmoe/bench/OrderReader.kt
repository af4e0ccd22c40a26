package io.github.mvmoe.bench

import io.github.mvmoe.json.Field
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.JsonPath
import io.github.mvmoe.json.NumberRange
import io.github.mvmoe.json.StrictJson
import io.github.mvmoe.json.TextForm

/** Reads an order strictly: fields that it does not know, or of another type, are refused. */
internal fun readOrder(json: ByteArray): MeasurementOrder = Field(StrictJson.parse(json), JsonPath("$")).record(::readOrder)

private fun readOrder(fields: Fields): MeasurementOrder {
    // What only another program needs: each subject of an order is of one kind of process.
    fields.boolean("one_subject", default = false)
    return MeasurementOrder(
        job = fields.text("job", ANY_TEXT),
        kind = fields.text("kind", ANY_TEXT),
        repeat = fields.int("repeat", COUNT),
        preset = fields.record("preset", ::readPreset),
        images = fields.text("images", ANY_TEXT),
        names = fields.list("names", default = emptyList()) { it.text(ANY_TEXT) },
        labels = fields.find("labels")?.list { label -> label.orNull { it.text(ANY_TEXT) } } ?: emptyList(),
        reference = fields.texts("reference"),
        subjects = fields.list("subjects", read = ::readSubject),
        startedNs = fields.long("started_ns", 0..Long.MAX_VALUE, default = 0),
        status = fields.optional("status") { it.text(ANY_TEXT) },
    )
}

private fun readPreset(fields: Fields) =
    Preset(
        name = fields.text("name", ANY_TEXT),
        repeats = fields.int("repeats", COUNT),
        queries = fields.int("queries", COUNT),
        seconds = fields.number("seconds", NumberRange.FINITE),
        mostSeconds = fields.number("most_seconds", NumberRange.FINITE),
        warmup = fields.int("warmup", COUNT),
        starts = fields.int("starts", COUNT),
        stream = fields.int("stream", COUNT),
        cooldown = fields.number("cooldown", NumberRange.FINITE),
        sustained = fields.number("sustained", NumberRange.FINITE, default = 0.0),
        paced = fields.number("paced", NumberRange.closed(0.0, A_DAY), default = 0.0),
        rate = fields.number("rate", RATES, default = 30.0),
    )

private fun readSubject(field: Field): SubjectOrder =
    field.record { fields ->
        skipWhatPythonNeeds(fields)
        SubjectOrder(
            key = fields.text("key", ANY_TEXT),
            kind = fields.text("kind", ANY_TEXT),
            root = fields.text("root", ANY_TEXT),
            manifestSha256 = fields.optional("manifest_sha256") { it.text() },
            target = fields.optional("target") { it.text() },
            outputKinds = fields.texts("output_kinds"),
            classOutput = fields.optional("class_output") { it.text() },
            engineOptions = fields.texts("engine_options"),
            threads = fields.int("threads", COUNT),
            budget = fields.optional("budget") { it.int(COUNT) },
            queries = fields.list("queries", read = ::readQuery),
        )
    }

/** Fields that only a program in Python uses, or that only the planner reads back. */
private fun skipWhatPythonNeeds(fields: Fields) {
    fields.list("engine_modules", default = emptyList()) { it.text() }
    fields.text("program", default = "")
    fields.record("requested") { EngineChoice(it.text("engine"), it.optional("provider") { name -> name.text() }) }
    fields.optional("config") { it.text(ANY_TEXT) }
    fields.optional("weights") { it.text(ANY_TEXT) }
    fields.boolean("plugins", default = false)
}

private fun readQuery(field: Field): Query =
    field.record { fields ->
        Query(
            image = fields.int("image", COUNT),
            routes = fields.optional("routes") { routes -> routes.list { route -> route.list { it.int(COUNT) } } },
            forced = fields.boolean("forced", default = false),
            choices = fields.texts("choices"),
        )
    }

private fun Fields.texts(name: String): Map<String, String> = map(name, keys = ANY_TEXT, default = emptyMap()) { it.text(ANY_TEXT) }

private val COUNT = 0..Int.MAX_VALUE

/** Seconds. */
private const val A_DAY = 86_400.0

/** Frames a second that a camera may have. */
private val RATES = NumberRange.closed(0.1, 1000.0)

/** Paths, and names that people gave: of any characters. */
private val ANY_TEXT = TextForm("a text", 0..1_000_000) { true }

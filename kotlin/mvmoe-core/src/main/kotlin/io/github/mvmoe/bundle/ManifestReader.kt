package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.json.Field
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonPath
import io.github.mvmoe.json.JsonString
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.json.TextForm
import io.github.mvmoe.json.quoted
import io.github.mvmoe.routing.Rules

/** Reads the fields of a manifest, each within its own range; what they say together is [Consistency]'s question. */
internal object ManifestReader {
    const val FORMAT: String = "mvmoe-bundle"
    const val VERSION: Int = 2

    /** @throws BundleException with the first fault; its message goes on after "the manifest is wrong: ". */
    fun read(json: JsonValue): Manifest {
        val root = Field(json, JsonPath("$"))
        requireVersion(root.members())
        return root.record(::readManifest)
    }

    /** Looked at first: the fields of another version say nothing of it. */
    private fun requireVersion(members: Map<String, JsonValue>) {
        val format = members["format"]
        val version = members["version"]
        if ((format as? JsonString)?.text == FORMAT && isVersion(version)) return
        throw BundleException(
            ErrorCode.BUNDLE_UNSUPPORTED_VERSION,
            "it is of the format ${shown(format)}, version ${shown(version)}; this release reads '$FORMAT', version $VERSION: " +
                "export the bundle again",
            mapOf("format" to shown(format), "version" to shown(version)),
        )
    }

    /** Whether a number is that of the version; how it is written is asked with all other fields. */
    private fun isVersion(version: JsonValue?): Boolean = version is JsonNumber && version.text.toDouble() == VERSION.toDouble()

    private fun shown(value: JsonValue?): String =
        when (value) {
            null -> "that is missing"
            is JsonString -> quoted(value.text)
            is JsonNumber -> quoted(value.text)
            else -> "that is neither a text nor a number"
        }

    private fun readManifest(fields: Fields): Manifest {
        fields.oneOf("format", setOf(FORMAT))
        fields.int("version", VERSION..VERSION)
        return Manifest(
            model = fields.record("model", ::readModel),
            source = fields.record("source", ::readSource),
            input = fields.record("input", ::readInput),
            stages = fields.list("stages", 1..1000, read = ::readStage),
            outputs = fields.list("outputs", 1..64, read = ::readOutput),
            targets = fields["targets"].named(sizes = 1..100, read = ::readTarget),
            usagePrior = fields.nullable("usage_prior") { it.list { row -> row.list(read = ::readShare) } },
            golden = fields.record("golden", ::readGolden),
            restrictions = fields.list("restrictions", 0..1000, default = emptyList(), read = ::readRestriction),
        )
    }

    private fun readModel(fields: Fields) =
        Model(
            family = fields.text("family"),
            name = fields.text("name"),
            paramsTotal = fields.long("params_total", FieldRanges.COUNT),
            paramsActive = fields.long("params_active", FieldRanges.COUNT),
            macs = fields.long("macs", FieldRanges.COUNT),
        )

    private fun readSource(fields: Fields) =
        Source(
            checkpointSha256 = fields.nullable("checkpoint_sha256") { it.text(TextForm.SHA256) },
            packages = fields.map("packages") { it.text() },
            weights = fields.optional("weights") { it.text() },
            input = fields.map("input", TRAINED_FIELD, default = emptyMap()) { it.oneOf(ORIGINS) },
        )

    private fun readShare(field: Field) = field.record { RouteShare(readRoute(it["route"]), it.number("share", FieldRanges.SHARE)) }

    private fun readRestriction(field: Field) =
        field.record { fields ->
            Restriction(
                stage = fields.int("stage", 1..1000),
                rule = fields["rule"].record(Rules::read),
                route = fields.optional("route", ::readRoute),
                kept = fields.optional("kept", ::readRoute),
            )
        }

    private fun readGolden(fields: Fields) = GoldenSpec(fields.int("images", 1..10_000), readFile(fields["file"]))

    private val ORIGINS = listOf("default", "checkpoint", "option")

    private val TRAINED =
        setOf(
            "channel_order",
            "resize",
            "crop_fraction",
            "resize_size",
            "pad_level",
            "pad_place",
            "pad_rounding",
            "interpolation",
            "mean",
            "std",
        )

    /** The fields of `input` that belong to a model's training. */
    private val TRAINED_FIELD = TextForm("one of ${TRAINED.joinToString()}", 1..TRAINED.maxOf { it.length }) { it in TRAINED }
}

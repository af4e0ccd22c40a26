package io.github.mvmoe.bundle

import io.github.mvmoe.json.Field
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.JsonBoolean
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.NumberRange
import io.github.mvmoe.json.TextForm
import java.math.BigInteger

internal fun readTarget(
    name: String,
    field: Field,
): Target =
    field.record { fields ->
        Target(
            name = name,
            format = fields.name("format"),
            strategy = fields.text("strategy", TextForm.PART),
            precision = fields.text("precision", TextForm.PART),
            batch = fields.int("batch", 1..4096),
            graphs = fields.list("graphs", 1..100_000, read = ::readGraph),
            weights = fields.nullable("weights") { it.text(TextForm.PATH) },
            files = fields.list("files", 1..200_000, read = ::readFile),
            parity = fields.nullable("parity") { it.record(::readParity) },
            routersInGraph = fields.oneOf("routers", listOf(HOST, IN_GRAPH), default = HOST) == IN_GRAPH,
            options = fields.find("options")?.map(read = ::readOption) ?: emptyMap(),
            rewrites = fields.list("rewrites", 0..100, default = emptyList(), read = ::readName),
            sizes = fields.optional("sizes") { it.record(::readSizes) },
            experts = fields.list("experts", 0..1000, default = emptyList()) { it.list(0..100_000, ::readExpertWeights) },
            bounds = fields.find("bounds")?.record(::readBounds) ?: Bounds(),
            compression = fields.optional("compression") { it.record(::readCompression) },
        )
    }

private const val HOST = "host"
private const val IN_GRAPH = "in-graph"

/** An option of the export: a text, a number, a boolean or null. */
private fun readOption(field: Field): Any? =
    when (val value = field.value) {
        JsonNull -> null
        is JsonBoolean -> value.value
        is JsonNumber -> if (value.isInteger) integer(value.text) else field.number(NumberRange.FINITE)
        else -> field.text()
    }

private fun integer(text: String): Number = text.toLongOrNull() ?: BigInteger(text)

private fun readSizes(fields: Fields) =
    Sizes(
        distinctBytes = fields.long("distinct_bytes", FieldRanges.COUNT),
        sharedBytes = fields.long("shared_bytes", FieldRanges.COUNT),
        expertBytes = fields.list("expert_bytes", 0..1000, default = emptyList()) { it.list(read = ::readCount) },
    )

private fun readExpertWeights(field: Field): ExpertWeights =
    field.record { fields ->
        ExpertWeights(
            offset = fields.long("offset", FieldRanges.COUNT),
            bytes = fields.long("bytes", FieldRanges.COUNT),
            tensors = fields.map("tensors", sizes = FieldRanges.WEIGHTS, read = ::readStoredTensor),
        )
    }

private fun readStoredTensor(field: Field): StoredTensor =
    field.record { StoredTensor(it.long("offset", FieldRanges.COUNT), readShape(it["shape"]), readDType(it["dtype"])) }

private fun readBounds(fields: Fields): Bounds {
    val usual = Bounds()
    return Bounds(
        routerError = fields.number("router_error", FieldRanges.RELATIVE, usual.routerError),
        answerError = fields.number("answer_error", FieldRanges.RELATIVE, usual.answerError),
        psnrDb = fields.number("psnr_db", NumberRange.closed(0.0, 1000.0), usual.psnrDb),
        agreement = fields.number("agreement", FieldRanges.SHARE, usual.agreement),
        routingAgreement = fields.number("routing_agreement", FieldRanges.SHARE, usual.routingAgreement),
        ownErrorFactor = fields.number("own_error_factor", NumberRange.closed(0.0, 1e9), usual.ownErrorFactor),
        conditionedError = fields.number("conditioned_error", FieldRanges.SHARE, usual.conditionedError),
        reason = fields.text("reason", default = usual.reason),
    )
}

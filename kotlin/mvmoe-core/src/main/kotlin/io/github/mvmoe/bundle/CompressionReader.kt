package io.github.mvmoe.bundle

import io.github.mvmoe.json.Field
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.TextForm

internal fun readCompression(fields: Fields): Compression =
    Compression(
        weights = fields.name("weights"),
        activations = fields.name("activations"),
        layers = fields.long("layers", FieldRanges.COUNT),
        plainBytes = fields.long("plain_bytes", FieldRanges.COUNT),
        left = fields.list("left", 0..100_000, read = ::readLeftLayer),
        calibration = fields.optional("calibration") { it.record(::readCalibration) },
        smoothed = fields.long("smoothed", FieldRanges.COUNT, default = 0),
    )

private fun readLeftLayer(field: Field): LeftLayer =
    field.record { LeftLayer(it.name("graph"), it.name("operator"), it.text("layer"), it.text("reason")) }

private fun readCalibration(fields: Fields) =
    Calibration(
        images = fields.long("images", FieldRanges.COUNT),
        sha256 = fields.text("sha256", TextForm.SHA256),
        routed = readCounts(fields, "routed"),
        forced = readCounts(fields, "forced"),
    )

/** A count for each expert of each routed stage. */
private fun readCounts(
    fields: Fields,
    name: String,
): List<List<Long>> = fields.list(name, 0..1000) { it.list(0..100_000, ::readCount) }

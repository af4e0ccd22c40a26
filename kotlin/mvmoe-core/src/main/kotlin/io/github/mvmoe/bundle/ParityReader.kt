package io.github.mvmoe.bundle

import io.github.mvmoe.json.Field
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.NumberRange
import io.github.mvmoe.json.TextForm

internal fun readParity(fields: Fields): Parity =
    Parity(
        graphs = fields.long("graphs", FieldRanges.COUNT),
        maxAbsError = fields.number("max_abs_error", FieldRanges.ERROR),
        tolerance = fields.number("tolerance", FieldRanges.ERROR),
        verification = fields.optional("verification") { it.record(::readVerification) },
    )

private fun readVerification(fields: Fields) =
    Verification(
        images = fields.long("images", FieldRanges.COUNT),
        routingAgreement = fields.number("routing_agreement", FieldRanges.SHARE),
        routerError = fields.number("router_error", FieldRanges.ERROR),
        routerErrorBound = fields.number("router_error_bound", FieldRanges.ERROR),
        answerError = fields.number("answer_error", FieldRanges.ERROR),
        answerErrorBound = fields.number("answer_error_bound", FieldRanges.ERROR),
        outputs = fields.map("outputs", sizes = 0..64, read = ::readVerifiedOutput),
        nearTies = fields.long("near_ties", FieldRanges.COUNT),
        forcedRoutes = fields.long("forced_routes", FieldRanges.COUNT),
        accuracy = fields.optional("accuracy") { it.record(::readAccuracy) },
    )

private fun readAccuracy(fields: Fields) =
    VerifiedAccuracy(
        images = fields.long("images", FieldRanges.COUNT),
        reference = fields.number("reference", FieldRanges.SHARE),
        target = fields.number("target", FieldRanges.SHARE),
        leastLoss = fields.number("least_loss", FieldRanges.LOSS),
        mostLoss = fields.number("most_loss", FieldRanges.LOSS),
    )

private fun readVerifiedOutput(field: Field): VerifiedOutput =
    field.record { fields ->
        VerifiedOutput(
            kind = fields.text("kind", TextForm.PART),
            measure = fields.nullable("measure") { it.text() },
            agreement = fields.nullable("agreement") { it.number(FieldRanges.SHARE) },
            maxAbsError = fields.number("max_abs_error", FieldRanges.ERROR),
            maxRelError = fields.number("max_rel_error", FieldRanges.ERROR),
            rmsError = fields.number("rms_error", FieldRanges.ERROR),
            psnrDb = fields.nullable("psnr_db") { it.number(NumberRange.closed(-1000.0, 10_000.0)) },
        )
    }

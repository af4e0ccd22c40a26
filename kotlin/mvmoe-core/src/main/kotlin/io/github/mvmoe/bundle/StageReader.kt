package io.github.mvmoe.bundle

import io.github.mvmoe.json.Field
import io.github.mvmoe.json.TextForm
import io.github.mvmoe.routing.Rules

internal fun readStage(field: Field): Stage =
    field.record { fields ->
        Stage(
            name = fields.name("name"),
            rule = fields.nullable("rule") { it.record(Rules::read) },
            router = fields.nullable("router", ::readName),
            takes = fields.map("takes", sizes = FieldRanges.TENSORS, read = ::readName),
            gives = fields.map("gives", sizes = FieldRanges.TENSORS, read = ::readName),
            finishes = fields.list("finishes", 0..1024, default = emptyList(), read = ::readRoute),
        )
    }

internal fun readOutput(field: Field): OutputSpec =
    field.record { fields ->
        OutputSpec(
            name = fields.name("name"),
            kind = fields.text("kind", TextForm.PART),
            tensors = fields.list("tensors", 1..1000, read = ::readName),
            labels = fields.optional("labels") { labels -> labels.list(0..1_000_000) { it.text() } },
        )
    }

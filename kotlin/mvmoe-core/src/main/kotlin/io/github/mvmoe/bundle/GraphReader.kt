package io.github.mvmoe.bundle

import io.github.mvmoe.json.Field
import io.github.mvmoe.json.NumberRange
import io.github.mvmoe.json.TextForm

internal fun readGraph(field: Field): Graph =
    field.record { fields ->
        Graph(
            name = fields.name("name"),
            stage = fields.int("stage", 0..1000),
            route = fields.nullable("route", ::readRoute),
            file = fields.text("file", TextForm.PATH),
            entry = fields.optional("entry", ::readName),
            weightBytes = fields.long("weight_bytes", FieldRanges.COUNT),
            exclusiveBytes = fields.long("exclusive_bytes", FieldRanges.COUNT),
            inputs = fields.list("inputs", 1..10_000, read = ::readTensor),
            outputs = fields.list("outputs", FieldRanges.TENSORS, read = ::readTensor),
            bound = fields.map("bound", sizes = FieldRanges.WEIGHTS, default = emptyMap(), read = ::readBound),
            placement = fields.list("placement", 0..20, default = emptyList(), read = ::readPlacement),
        )
    }

private fun readTensor(field: Field): TensorSpec =
    field.record { fields ->
        TensorSpec(
            name = fields.name("name"),
            shape = readShape(fields["shape"]),
            dtype = readDType(fields["dtype"]),
            pixels = fields.optional("pixels", ::readPixels),
        )
    }

private fun readPixels(field: Field): PixelScaling =
    field.record { fields ->
        PixelScaling(
            channelOrder = readChannelOrder(fields["channel_order"]),
            scale = fields.numbers("scale", FACTOR, 1..3),
            bias = fields.numbers("bias", FACTOR, 1..3),
        )
    }

private fun readBound(field: Field): BoundInput = field.record { BoundInput(it.int("place", 0..100_000), it.name("tensor")) }

private fun readPlacement(field: Field): Placement =
    field.record { fields ->
        Placement(
            engine = fields.name("engine"),
            partitions = fields.long("partitions", FieldRanges.COUNT),
            nodesOutside = fields.long("nodes_outside", FieldRanges.COUNT),
            outside = fields.map("outside", read = ::readCount),
            nodes = fields.optional("nodes", ::readCount),
            verdict = fields.optional("verdict") { it.text() },
        )
    }

private val FACTOR = NumberRange.closed(-1e6, 1e6)

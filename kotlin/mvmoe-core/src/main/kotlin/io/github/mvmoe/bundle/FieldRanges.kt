package io.github.mvmoe.bundle

import io.github.mvmoe.json.Field
import io.github.mvmoe.json.NumberRange
import io.github.mvmoe.json.TextForm
import io.github.mvmoe.routing.Route

/** What several parts of a manifest may hold (`docs/bundle.md`, *Reading manifest.json*). */
internal object FieldRanges {
    /** Counts of bytes and parameters: every language's numbers hold them exactly. */
    val COUNT = 0L..(1L shl 53)

    val SHARE = NumberRange.closed(0.0, 1.0)

    /** A share that is lost; below 0 it is gained. */
    val LOSS = NumberRange.closed(-1.0, 1.0)

    /** A measured error. */
    val ERROR = NumberRange.closed(0.0, 1e30)

    /** An error that a bound allows, relative to the largest value. */
    val RELATIVE = NumberRange.above(0.0, 1.0)

    /** Tensors that one stage may take, and that it may give. */
    val TENSORS = 1..64

    /** Weights that one graph may take as inputs, and tensors of one expert. */
    val WEIGHTS = 0..10_000
}

/** Distinct or not, ascending or not: whether it is a route of its rule is asked later. */
internal fun readRoute(field: Field): Route = Route.of(*field.list { it.anyInt() }.toIntArray())

internal fun readName(field: Field): String = field.text(TextForm.NAME)

internal fun readCount(field: Field): Long = field.long(FieldRanges.COUNT)

internal fun readShape(field: Field): List<Int> = field.list(0..8) { it.int(1..Int.MAX_VALUE) }

internal fun readDType(field: Field): DType {
    val id = field.oneOf(DType.entries.map { it.id })
    return DType.entries.first { it.id == id }
}

internal fun readChannelOrder(field: Field): ChannelOrder {
    val id = field.oneOf(ChannelOrder.entries.map { it.id })
    return ChannelOrder.entries.first { it.id == id }
}

internal fun readFile(field: Field): FileRecord =
    field.record {
        FileRecord(it.text("path", TextForm.PATH), it.long("bytes", FieldRanges.COUNT), it.text("sha256", TextForm.SHA256))
    }

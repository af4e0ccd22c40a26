package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.routing.Rule
import io.github.mvmoe.strategies.Strategy

/** Where an expert's range may begin: at a page of any device, Apple's and Android's of 16 KiB. */
internal const val RANGE_ALIGNMENT: Long = 16_384

/** Where a tensor may begin inside of a range: at a line of any cache. */
internal const val TENSOR_ALIGNMENT: Long = 64

/** With `bind` each expert has a range of the file of weights; ranges are aligned, inside the file, and have no byte in common. */
internal fun checkRanges(
    target: Target,
    strategy: Strategy,
    rules: List<Rule>,
) {
    val wanted = if (strategy.bindsWeights) rules.map { it.experts } else emptyList()
    val found = target.experts.map { it.size }
    val fault = Fault(ErrorCode.BUNDLE_RANGES_INVALID, "target" to target.name)
    requireConsistent(found == wanted, fault) {
        "target ${target.name} has the ranges of ${brief(found)} experts by stage, where ${brief(wanted)} are expected with the " +
            "strategy ${target.strategy}"
    }
    val room = target.files.firstOrNull { it.path == target.weights }?.bytes ?: 0
    target.experts.forEachIndexed { index, row ->
        row.forEachIndexed { number, expert ->
            checkRange(expert, room, fault) { "expert $number of routed stage ${index + 1} of target ${target.name}" }
        }
    }
    checkApart(target, fault)
}

private fun checkRange(
    expert: ExpertWeights,
    room: Long,
    fault: Fault,
    where: () -> String,
) {
    requireConsistent(expert.offset % RANGE_ALIGNMENT == 0L, fault) {
        "the range of ${where()} begins at ${expert.offset}, which is no multiple of $RANGE_ALIGNMENT"
    }
    val end = expert.offset + expert.bytes
    requireConsistent(end <= room, fault) { "the range of ${where()} ends at $end, beyond its file of weights of $room bytes" }
    for ((name, tensor) in expert.tensors) {
        val isAligned = tensor.offset % TENSOR_ALIGNMENT == 0L
        // A difference, because the bytes of a shape may be beyond all numbers.
        val isInside = tensor.offset >= expert.offset && bytesOf(tensor.shape, tensor.dtype) <= end - tensor.offset
        requireConsistent(isAligned && isInside, fault) {
            "the tensor $name of ${where()} at ${tensor.offset} is not inside of its range, or at no multiple of $TENSOR_ALIGNMENT"
        }
    }
}

private fun checkApart(
    target: Target,
    fault: Fault,
) {
    val ranges =
        target.experts
            .flatten()
            .filter { it.bytes > 0 }
            .sortedBy { it.offset }
    ranges.zipWithNext { one, next ->
        requireConsistent(one.offset + one.bytes <= next.offset, fault) {
            "two experts of target ${target.name} have ranges that overlap, at ${next.offset}"
        }
    }
}

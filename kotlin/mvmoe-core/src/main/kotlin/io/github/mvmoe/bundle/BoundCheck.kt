package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode

/** Each input in a graph's `bound` is a tensor that every expert of its stage has, in one shape and type. */
internal fun checkBound(
    target: Target,
    stages: List<Stage>,
) {
    val rows = HashMap<Int, ExpertRow>()
    for (graph in target.graphs) {
        if (graph.bound.isEmpty()) continue
        val row = rows.getOrPut(graph.stage) { ExpertRow(target.experts.getOrNull(graph.stage - 1).orEmpty(), stages[graph.stage]) }
        checkGraph(graph, target, row)
    }
}

private fun checkGraph(
    graph: Graph,
    target: Target,
    row: ExpertRow,
) {
    val where = "graph ${graph.name} of target ${target.name}"
    val fault = Fault(ErrorCode.BUNDLE_TENSORS_MISMATCH, "target" to target.name, "graph" to graph.name)
    val inputs = graph.inputs.associateBy { it.name }
    val size = graph.route?.size ?: 0
    for ((name, bound) in graph.bound) {
        val input = inputs[name] ?: throw inconsistent("$where binds $name, which is none of its inputs", fault)
        requireConsistent(bound.place < size && !row.isEmpty, fault) {
            "$where binds $name to the expert at place ${bound.place} of a route of $size"
        }
        val lacking = row.lacking(bound.tensor, input)
        requireConsistent(lacking == null, fault) {
            "$where takes the weight $name ${brief(input.shape)} ${input.dtype.id}, and expert $lacking has no such tensor ${bound.tensor}"
        }
    }
}

/** The experts of one stage. What all of them are known to have is asked once: inputs and experts may both be very many. */
private class ExpertRow(
    private val experts: List<ExpertWeights>,
    stage: Stage,
) {
    val isEmpty: Boolean get() = experts.isEmpty()

    /** What only finishes images is never computed, and needs no weights. */
    private val ends = if (stage.rule?.longest == 1) stage.finishes.mapTo(HashSet()) { it.first() } else emptySet()

    /** The experts that some route has: others need no weights either. */
    private val usable =
        stage.rule
            ?.usable
            .orEmpty()
            .toHashSet()

    private val known = HashMap<String, TensorSpec>()

    /** The first expert without this tensor in the input's shape and type; null if all have it. */
    fun lacking(
        tensor: String,
        input: TensorSpec,
    ): Int? {
        if (known[tensor]?.let { it.shape == input.shape && it.dtype == input.dtype } == true) return null
        val found = experts.indices.firstOrNull { !has(it, tensor, input) }
        if (found == null) known[tensor] = input
        return found
    }

    private fun has(
        number: Int,
        tensor: String,
        input: TensorSpec,
    ): Boolean {
        val stored = experts[number].tensors[tensor] ?: return number in ends || number !in usable
        return stored.shape == input.shape && stored.dtype == input.dtype
    }
}

package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.strategies.Strategy
import io.github.mvmoe.strategies.TensorType
import io.github.mvmoe.strategies.slotInput

/** Elements of one tensor: a manifest may not ask for a buffer of gigabytes. */
internal const val MOST_ELEMENTS: Long = 1L shl 28

/** Bytes of all tensors of a target: each call in flight has a buffer for every one of them. */
internal const val MOST_BUFFER_BYTES: Long = 1L shl 32

/** Each graph takes and gives the tensors of its stage, then what its strategy adds, and weights only behind them. */
internal fun checkTensors(
    target: Target,
    strategy: Strategy,
    manifest: Manifest,
    shapes: OutputShapes,
) {
    val interfaces = StageInterfaces(target, strategy, manifest, shapes).all()
    val buffers = Buffers()
    for (graph in target.graphs) {
        checkPixels(graph, target, manifest.input)
        val expected = ExpectedTensors(graph, target, strategy, manifest, interfaces[graph.stage])
        checkGraphTensors(graph, target, expected)
        buffers.add(graph.stage, expected.inputs)
        buffers.add(graph.stage, expected.outputs)
    }
    requireConsistent(buffers.bytes <= MOST_BUFFER_BYTES, tooLarge(MOST_BUFFER_BYTES)) {
        "the tensors of target ${target.name} have ${buffers.bytes} bytes together; at most $MOST_BUFFER_BYTES are allowed: " +
            "export it with a smaller batch"
    }
}

/** What a graph has to take and give; weights are taken as they are, [checkBound] looks at them. */
private class ExpectedTensors(
    private val graph: Graph,
    private val target: Target,
    private val strategy: Strategy,
    private val manifest: Manifest,
    private val stage: StageInterface,
) {
    private val rule = if (target.routersInGraph) null else manifest.stages[graph.stage].rule
    private val isJoined = rule != null && strategy.isJoined(rule, graph.route)

    private val added = added()

    /** Tensors of the stage under a name of what the strategy adds: of two inputs of one name one would be lost. */
    val clashing: List<String> = added.keys.filter { it in stage.inputs }
    val inputs: Map<String, TensorType> = ofStages() + ofSlots() + added
    val weights: Map<String, TensorType> = typesOf(graph.inputs.filter { it.name in graph.bound })
    val outputs: Map<String, TensorType> = if (isJoined) stage.ofExpert else stage.outputs

    /** The tensors of stages before: all of the stage's, or some of them where one graph joins others. */
    private fun ofStages(): Map<String, TensorType> {
        val ordered = inOrderOf(graph.inputs, stage.inputs)
        if (rule == null || strategy.slots(rule) == 0) return ordered
        val names = graph.inputs.mapTo(HashSet()) { it.name }
        return ordered.filterKeys { it in names }
    }

    private fun ofSlots(): Map<String, TensorType> {
        if (rule == null || isJoined) return emptyMap()
        val slots = LinkedHashMap<String, TensorType>()
        for (slot in 0 until strategy.slots(rule)) stage.ofExpert.forEach { (name, type) -> slots[slotInput(slot, name)] = type }
        return slots
    }

    private fun added(): Map<String, TensorType> =
        when {
            rule != null -> strategy.inputs(rule, graph.route, target.batch)
            target.routersInGraph -> mapOf(STEERING to steeringType(manifest.rules, target.batch))
            else -> emptyMap()
        }
}

/** Tensors in the order of those of a graph: the members of an object have none. */
private fun inOrderOf(
    specs: List<TensorSpec>,
    tensors: Map<String, TensorType>,
): Map<String, TensorType> {
    val ordered = LinkedHashMap<String, TensorType>()
    for (spec in specs) tensors[spec.name]?.let { ordered[spec.name] = it }
    tensors.forEach { (name, type) -> ordered.getOrPut(name) { type } }
    return ordered
}

private fun checkGraphTensors(
    graph: Graph,
    target: Target,
    expected: ExpectedTensors,
) {
    val where = { "graph ${graph.name} of target ${target.name}" }
    val fault = Fault(ErrorCode.BUNDLE_TENSORS_MISMATCH, "target" to target.name, "graph" to graph.name)
    requireConsistent(expected.clashing.isEmpty(), Fault(ErrorCode.BUNDLE_TENSORS_MISMATCH, "target" to target.name)) {
        "the stage of ${where()} takes ${brief(expected.clashing)}, which is the name of an input that its strategy adds"
    }
    for (tensors in listOf(expected.inputs, expected.weights, expected.outputs)) requireSizes(tensors, where)
    val both = expected.weights.keys.filter { it in expected.inputs }
    requireConsistent(both.isEmpty(), fault) { "${where()} binds ${brief(both)}, which is no weight" }
    requireTensors(graph.inputs, expected.inputs + expected.weights, fault) { "${where()} takes" }
    requireTensors(graph.outputs, expected.outputs, fault) { "${where()} gives" }
}

/** Compares tensors with what is expected of them, order included. */
private fun requireTensors(
    specs: List<TensorSpec>,
    expected: Map<String, TensorType>,
    fault: Fault,
    what: () -> String,
) {
    val isExpected =
        specs.size == expected.size &&
            specs.zip(expected.entries).all { (spec, entry) ->
                spec.name == entry.key && spec.shape == entry.value.shape && spec.dtype in entry.value.dtypes
            }
    if (isExpected) return
    val given = specs.take(MOST_SHOWN).map { "${it.name} ${brief(it.shape)} ${it.dtype.id}" }
    val wanted = expected.entries.take(MOST_SHOWN).map { (name, type) -> "$name ${brief(type.shape)} ${words(type.dtypes)}" }
    throw inconsistent(
        "${what()} ${given.joinToString()} where ${wanted.joinToString()} is expected",
        fault.with("expected" to wanted, "found" to given),
    )
}

/** Refuses a tensor that no buffer could hold. */
internal fun requireSizes(
    tensors: Map<String, TensorType>,
    where: () -> String,
) {
    for ((name, type) in tensors) {
        requireConsistent(elementsOf(type.shape) <= MOST_ELEMENTS, tooLarge(MOST_ELEMENTS)) {
            "${where()} has the tensor $name of shape ${brief(type.shape)}, which has more than $MOST_ELEMENTS elements"
        }
    }
}

internal fun tooLarge(limit: Long): Fault = Fault(ErrorCode.BUNDLE_TOO_LARGE, "limit" to limit)

/** The distinct tensors of a target, and their bytes together. */
private class Buffers {
    /** For each stage the types under each name: one but for what strategies add. */
    private val seen = HashMap<Int, HashMap<String, MutableList<TensorType>>>()
    var bytes = 0L
        private set

    fun add(
        stage: Int,
        tensors: Map<String, TensorType>,
    ) {
        val names = seen.getOrPut(stage) { HashMap() }
        for ((name, type) in tensors) {
            val types = names.getOrPut(name) { ArrayList(1) }
            if (types.any { it.shape == type.shape && it.dtypes == type.dtypes }) continue
            types.add(type)
            bytes += bytesOf(type.shape, type.dtypes.maxBy { it.bytes })
        }
    }
}

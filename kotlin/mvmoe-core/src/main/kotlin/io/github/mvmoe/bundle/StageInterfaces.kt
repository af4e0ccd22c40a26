package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.strategies.Strategy
import io.github.mvmoe.strategies.TensorType
import io.github.mvmoe.strategies.slotOf

/** What the graphs of one stage of one target take of the stages before, and what they give; by their short names. */
internal class StageInterface(
    val inputs: Map<String, TensorType>,
    val outputs: Map<String, TensorType>,
    /** What each expert's graph gives for a slot, where another graph joins them. */
    val ofExpert: Map<String, TensorType>,
)

/**
 * The interface of each stage of a target: every tensor is what the first graph of the stage that gives it says, and all
 * others have to agree with that.
 *
 * Adds to [shapes] those of outputs that no target before had.
 */
internal class StageInterfaces(
    private val target: Target,
    private val strategy: Strategy,
    private val manifest: Manifest,
    private val shapes: OutputShapes,
) {
    private val stages = graphStages(manifest, target)
    private val outputTensors = manifest.outputs.flatMapTo(HashSet()) { it.tensors }
    private val fault = Fault(ErrorCode.BUNDLE_TENSORS_MISMATCH, "target" to target.name)

    /** What each stage gives, and what its experts give for slots, as the first graph of each says. */
    private val given = arrayOfNulls<Graph>(stages.size)
    private val givenByExperts = arrayOfNulls<Graph>(stages.size)

    /** Tensors that are known before any graph says what they are. */
    private val known = HashMap<String, TensorType>()
    private val tensors = hashMapOf(IMAGE to float32(listOf(target.batch) + manifest.input.shape))

    /** @throws io.github.mvmoe.BundleException where the first graphs of stages do not give what the stages say. */
    fun all(): List<StageInterface> {
        findFirstGraphs()
        outputTensors.forEach { tensor -> shapes[tensor]?.let { known[tensor] = float32(listOf(target.batch) + it) } }
        if (target.routersInGraph) known[ROUTER_LOGITS] = steeringType(manifest.rules, target.batch)
        stages.forEach(::knowRouter)
        return stages.mapIndexed(::interfaceOf)
    }

    private fun findFirstGraphs() {
        for (graph in target.graphs) {
            val rule = stages[graph.stage].rule
            val found = if (rule != null && strategy.isJoined(rule, graph.route)) givenByExperts else given
            if (found[graph.stage] == null) found[graph.stage] = graph
        }
    }

    /** The tensor of a router has the logits of its rule. */
    private fun knowRouter(stage: Stage) {
        val experts = stage.rule?.experts ?: return
        val router = stage.router ?: return
        val logits = float32(listOf(target.batch, experts))
        val other = known.getOrPut(router) { logits }
        requireConsistent(other.shape == logits.shape) {
            "the tensor $router would be ${brief(other.shape)}, and the logits of $experts experts for stage ${stage.name}"
        }
    }

    private fun interfaceOf(
        index: Int,
        stage: Stage,
    ): StageInterface {
        val where = "stage ${stage.name} of target ${target.name}"
        val inputs = stage.takes.mapValues { (_, tensor) -> tensors.getValue(tensor) }
        val outputs = outputsOf(stage, checkNotNull(given[index]).outputs, where)
        val ofExpert = typesOf(givenByExperts[index]?.outputs.orEmpty())
        for ((name, type) in ofExpert) requirePassedOn(type, "an expert of $where gives $name")
        val slots = if (ofExpert.isEmpty()) emptyList() else stage.takes.keys.filter { slotOf(it) != null }
        requireConsistent(slots.isEmpty(), fault) { "$where takes ${brief(slots)}, which is the name of a slot" }
        return StageInterface(inputs, outputs, ofExpert)
    }

    private fun outputsOf(
        stage: Stage,
        specs: List<TensorSpec>,
        where: String,
    ): Map<String, TensorType> {
        val found = typesOf(specs)
        requireConsistent(found.keys == stage.gives.keys, fault) {
            "$where gives ${brief(found.keys)}, where ${brief(stage.gives.keys)} is expected"
        }
        return found.mapValues { (name, type) ->
            val tensor = stage.gives.getValue(name)
            if (tensor !in known) requirePassedOn(type, "$where gives $name")
            (known[tensor] ?: type).also { keep(tensor, it, "$where gives $name") }
        }
    }

    private fun keep(
        tensor: String,
        type: TensorType,
        what: String,
    ) {
        tensors[tensor] = type
        if (tensor !in outputTensors || shapes[tensor] != null) return
        requireConsistent(
            type.dtypes == FLOAT32,
            fault,
        ) { "$what, an output of the model, of type ${words(type.dtypes)}; expected float32" }
        shapes.add(tensor, type.shape.drop(1))
    }

    /** Tensors between stages are numbers `[B, ...]`. */
    private fun requirePassedOn(
        type: TensorType,
        what: String,
    ) {
        requireConsistent(type.shape.size >= 2 && type.shape[0] == target.batch, fault) {
            "$what of shape ${brief(type.shape)}; expected at least two sizes, the first the batch ${target.batch}"
        }
        requireConsistent(type.dtypes.all { it == DType.FLOAT32 || it == DType.FLOAT16 }, fault) {
            "$what of type ${words(type.dtypes)}; expected float32 or float16"
        }
    }

    private companion object {
        val FLOAT32 = setOf(DType.FLOAT32)
    }
}

/** Some tensors of a graph, by name. */
internal fun typesOf(specs: List<TensorSpec>): Map<String, TensorType> =
    specs.associate { it.name to TensorType(it.shape, setOf(it.dtype)) }

/** Types for a message. */
internal fun words(dtypes: Set<DType>): String = dtypes.joinToString(" or ") { it.id }

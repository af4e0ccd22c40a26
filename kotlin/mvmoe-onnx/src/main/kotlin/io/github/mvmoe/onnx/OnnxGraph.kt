package io.github.mvmoe.onnx

import ai.onnxruntime.OrtSession
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.EngineErrors
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Tensor

/** One session, which it owns, and the bindings that were made of it. */
internal class OnnxGraph(
    private val graph: Graph,
    private val session: Owned<OrtSession>,
    private val tensors: SharedTensors,
    private val errors: EngineErrors,
) : LoadedGraph {
    private val bindings = HashSet<OnnxBinding>()
    private val prepared = BoundTensors(tensors)

    override fun prepare(weights: Map<String, Tensor>) {
        synchronized(bindings) { weights.values.forEach(prepared::add) }
    }

    override fun bind(
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ): BoundGraph {
        errors.requireTensors(graph, inputs, outputs)
        val bound = BoundTensors(tensors)
        try {
            val taken = graph.inputs.associateTo(LinkedHashMap()) { it.name to bound.add(inputs.getValue(it.name)) }
            val given = graph.outputs.associateTo(LinkedHashMap()) { it.name to bound.add(outputs.getValue(it.name)) }
            val binding = OnnxBinding(session.value, taken, given, bound, { errors.run(graph, it) }, ::forget)
            synchronized(bindings) { bindings += binding }
            return binding
        } catch (failure: Throwable) {
            bound.close()
            throw failure
        }
    }

    /** Ends the profile that its options asked for; gives the path of its file. */
    fun endProfiling(): String = session.value.endProfiling()

    override fun close() {
        val all = synchronized(bindings) { bindings.toList() }
        all.forEach(OnnxBinding::close)
        synchronized(bindings) { prepared.close() }
        session.close()
    }

    private fun forget(binding: OnnxBinding) {
        synchronized(bindings) { bindings -= binding }
    }
}

package io.github.mvmoe.executorch

import io.github.mvmoe.bundle.DType
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.TensorSpec
import io.github.mvmoe.engine.EngineErrors
import io.github.mvmoe.engine.Signature
import io.github.mvmoe.engine.Tensor
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Tensor as ExecuTorchTensor

/**
 * Copies what a method gives into the dispatcher's tensors.
 *
 * ExecuTorch's API for Java does not say which outputs a method has before it has run, and has no names for them: they are compared
 * with the manifest here, by their position.
 */
internal class OutputCopies(
    private val graph: Graph,
    outputs: Map<String, Tensor>,
    private val errors: EngineErrors,
) {
    private val shapes = graph.outputs.map { spec -> LongArray(spec.shape.size) { spec.shape[it].toLong() } }
    private val copies = graph.outputs.map { OutputCopy(outputs.getValue(it.name)) }

    /** @throws io.github.mvmoe.EngineException `engine.wrong-signature` for other outputs than the manifest's. */
    fun copy(given: Array<EValue>) {
        val fits = given.size == copies.size && given.indices.all { fits(given[it], it) }
        if (!fits) errors.requireSignature(graph, signatures(graph.inputs), signatures(given))
        for (index in given.indices) copies[index].take(given[index].toTensor())
    }

    private fun fits(
        value: EValue,
        index: Int,
    ): Boolean {
        if (!value.isTensor) return false
        val tensor = value.toTensor()
        return typeName(tensor.dtype()) == graph.outputs[index].dtype.id && tensor.shape().contentEquals(shapes[index])
    }

    private fun signatures(specs: List<TensorSpec>) = specs.map { Signature(it.name, it.shape.map(Int::toLong), it.dtype.id) }

    private fun signatures(given: Array<EValue>) =
        given.mapIndexed { index, value ->
            val name = graph.outputs.getOrNull(index)?.name ?: "number $index"
            if (!value.isTensor) return@mapIndexed Signature(name, emptyList(), "no tensor")
            val tensor = value.toTensor()
            Signature(name, tensor.shape().toList(), typeName(tensor.dtype()))
        }
}

/** Where one output is copied to. */
private class OutputCopy(
    private val output: Tensor,
) {
    private val data = output.data.fromStart()

    fun take(given: ExecuTorchTensor) {
        when (output.dtype) {
            DType.FLOAT32 -> data.asFloatBuffer().put(given.dataAsFloatArray)
            DType.INT32 -> data.asIntBuffer().put(given.dataAsIntArray)
            DType.INT64 -> data.asLongBuffer().put(given.dataAsLongArray)
            DType.INT8 -> error("refused when the bundle was opened: weights alone are of int8")
            DType.FLOAT16 -> error("refused when the graph was loaded")
        }
    }
}

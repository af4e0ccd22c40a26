package io.github.mvmoe.onnx

import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import io.github.mvmoe.engine.Tensor
import java.util.IdentityHashMap

/**
 * ONNX Runtime's tensors over the memory of a dispatcher's, one for each however many bindings have it.
 *
 * What the stem gives is an input of every expert's graph, and with `bind` an expert's weights are bound for each route that has
 * the expert.
 */
internal class SharedTensors(
    private val environment: OrtEnvironment,
    private val live: LiveObjects,
) {
    private class Shared(
        val tensor: Owned<OnnxTensor>,
    ) {
        var users = 0
    }

    private val shared = IdentityHashMap<Tensor, Shared>()

    /** One more user of a tensor, who gives it back by [release]. */
    fun acquire(tensor: Tensor): OnnxTensor =
        synchronized(shared) {
            val found = shared.getOrPut(tensor) { Shared(Owned(create(tensor), live.tensors)) }
            found.users++
            found.tensor.value
        }

    /** One user less; the last one closes it. */
    fun release(tensor: Tensor): Unit =
        synchronized(shared) {
            val found = shared.getValue(tensor)
            found.users--
            if (found.users == 0) {
                shared.remove(tensor)
                found.tensor.close()
            }
        }

    /** Over the same memory: nothing is copied of a direct buffer. */
    private fun create(tensor: Tensor): OnnxTensor {
        val data = tensor.data.duplicate()
        data.position(0)
        val shape = LongArray(tensor.shape.size) { tensor.shape[it].toLong() }
        return OnnxTensor.createTensor(environment, data, shape, javaType(tensor.dtype))
    }
}

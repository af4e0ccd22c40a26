package io.github.mvmoe.onnx

import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession
import io.github.mvmoe.EngineException
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.Tensor
import java.io.Closeable
import java.util.concurrent.atomic.AtomicBoolean

/** A session with its inputs and outputs, over the memory of the dispatcher's tensors: nothing is copied in a run. */
internal class OnnxBinding(
    private val session: OrtSession,
    private val inputs: Map<String, OnnxTensor>,
    private val outputs: Map<String, OnnxTensor>,
    private val bound: BoundTensors,
    private val failed: (Throwable) -> EngineException,
    private val forget: (OnnxBinding) -> Unit,
) : BoundGraph {
    override fun run() {
        try {
            // An output that is named among the requested ones, too, would be refused.
            session.run(inputs, emptySet(), outputs).close()
        } catch (failure: OrtException) {
            throw failed(failure)
        } catch (failure: OutOfMemoryError) {
            throw failed(failure)
        }
    }

    override fun close() {
        forget(this)
        bound.close()
    }
}

/** The tensors of one binding, a user of each of which it is until it is closed. */
internal class BoundTensors(
    private val shared: SharedTensors,
) : Closeable {
    private val acquired = ArrayList<Tensor>()
    private val isOpen = AtomicBoolean(true)

    fun add(tensor: Tensor): OnnxTensor = shared.acquire(tensor).also { acquired += tensor }

    override fun close() {
        if (isOpen.compareAndSet(true, false)) acquired.forEach(shared::release)
    }
}

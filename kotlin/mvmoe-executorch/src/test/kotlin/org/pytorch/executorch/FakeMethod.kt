package org.pytorch.executorch

import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import ai.onnxruntime.TensorInfo
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/** A method that an ONNX graph computes, or that fails: `step1_e0 ../onnx/step1_e0.onnx load=0x21`. */
class FakeMethod private constructor(
    val name: String,
    private val graph: File,
    private val faults: Map<String, String>,
) {
    private var session: OrtSession? = null
    private var given = emptyList<FloatBuffer>()

    fun load(): Int {
        faults["load"]?.let { return Integer.decode(it) }
        val options = OrtSession.SessionOptions().apply { setIntraOpNumThreads(1) }
        session = environment.createSession(graph.path, options)
        return 0
    }

    fun run(inputs: List<Tensor>): Array<EValue> {
        faults["run"]?.let {
            throw ExecutorchRuntimeException.makeExecutorchException(
                Integer.decode(it),
                "Execution failed for method: $name",
            )
        }
        val loaded = checkNotNull(session) { "$name was run before it was loaded" }
        val values = loaded.inputNames.zip(inputs).associate { (name, tensor) -> name to tensor.toOnnx() }
        loaded.run(values).use { results ->
            val found = results.map { (_, value) -> value as OnnxTensor }
            if (given.isEmpty()) given = found.map { newMemory(it.info) }
            found.forEachIndexed { index, tensor -> given[index].duplicate().apply { rewind() }.put(tensor.floatBuffer) }
            val values = found.mapIndexed { index, tensor -> EValue.from(Tensor(given[index], tensor.info.shape, DType.FLOAT)) }
            return changed(values).toTypedArray()
        }
    }

    /** What lies in its memory is no longer anybody's. */
    fun close() {
        session?.close()
        for (memory in given) repeat(memory.capacity()) { memory.put(it, Float.NaN) }
    }

    private fun changed(values: List<EValue>): List<EValue> =
        when (faults["outputs"]) {
            "fewer" -> values.dropLast(1)
            "none" -> values.map { EValue(null) }
            "flat" -> values.map { EValue.from(Tensor(it.toTensor().data, longArrayOf(it.toTensor().numel()), DType.FLOAT)) }
            "double" -> values.map { EValue.from(Tensor(it.toTensor().data, it.toTensor().shape(), DType.DOUBLE)) }
            else -> values
        }

    private fun newMemory(info: TensorInfo): FloatBuffer {
        val bytes = 4 * info.shape.fold(1L, Long::times).toInt()
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder()).asFloatBuffer()
    }

    private fun Tensor.toOnnx() = OnnxTensor.createTensor(environment, data.duplicate().apply { rewind() }, shape())

    companion object {
        private val environment by lazy { OrtEnvironment.getEnvironment() }

        fun parse(
            line: String,
            folder: File,
        ): FakeMethod {
            val words = line.split(" ")
            if (words.size < 2) throw ExecutorchRuntimeException.makeExecutorchException(0x23, "no program")
            val faults = words.drop(2).associate { it.substringBefore("=") to it.substringAfter("=") }
            return FakeMethod(words[0], File(folder, words[1]), faults)
        }
    }
}

package io.github.mvmoe.executorch

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.bundle.DType
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.Tensor
import org.pytorch.executorch.EValue
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.pytorch.executorch.DType as ExecuTorchDType
import org.pytorch.executorch.Tensor as ExecuTorchTensor

/** What Java's API of ExecuTorch has methods for, of the types that bundles have. */
private val TYPES =
    mapOf(
        DType.FLOAT32 to ExecuTorchDType.FLOAT,
        DType.INT32 to ExecuTorchDType.INT32,
        DType.INT64 to ExecuTorchDType.INT64,
        DType.INT8 to ExecuTorchDType.INT8,
    )

/**
 * Refuses graphs with a tensor that cannot be given or read.
 *
 * @throws EngineException `engine.load-failed`.
 */
internal fun requireTypes(graph: Graph) {
    val other = (graph.inputs + graph.outputs).firstOrNull { it.dtype !in TYPES } ?: return
    throw EngineException(
        ErrorCode.ENGINE_LOAD_FAILED,
        "graph ${graph.name} (${graph.file}) does not load in ExecuTorch: its tensor ${other.name} is ${other.dtype.id}, which Java's " +
            "API of ExecuTorch does not have; export it with ${TYPES.keys.joinToString { it.id }}",
        mapOf("graph" to graph.name),
    )
}

/** A type's name in manifests, or ExecuTorch's own for one that bundles do not have. */
internal fun typeName(type: ExecuTorchDType): String =
    TYPES.entries
        .firstOrNull { it.value == type }
        ?.key
        ?.id ?: type.name.lowercase()

/**
 * A value over the memory of a tensor.
 *
 * ExecuTorch reads it anew in each run, from its beginning, and wants a direct buffer of exactly as many elements.
 */
internal fun valueOver(tensor: Tensor): EValue {
    val data = tensor.data.fromStart()
    val shape = LongArray(tensor.shape.size) { tensor.shape[it].toLong() }
    val value =
        when (tensor.dtype) {
            DType.FLOAT32 -> ExecuTorchTensor.fromBlob(data.asFloatBuffer(), shape)

            DType.INT32 -> ExecuTorchTensor.fromBlob(data.asIntBuffer(), shape)

            DType.INT64 -> ExecuTorchTensor.fromBlob(data.asLongBuffer(), shape)

            // Not as it is: its capacity has to be that of the tensor.
            DType.INT8 -> ExecuTorchTensor.fromBlob(data.slice().order(ByteOrder.nativeOrder()), shape)

            DType.FLOAT16 -> error("refused when the graph was loaded")
        }
    return EValue.from(value)
}

/** The same memory, from place 0 to the limit, whatever the buffer's position and order of bytes. */
internal fun ByteBuffer.fromStart(): ByteBuffer = duplicate().order(ByteOrder.nativeOrder()).apply { position(0) }

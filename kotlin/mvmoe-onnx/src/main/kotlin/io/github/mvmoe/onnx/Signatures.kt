package io.github.mvmoe.onnx

import ai.onnxruntime.NodeInfo
import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.TensorInfo
import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Signature

/** The inputs or outputs of a session in the words of a manifest. */
internal fun signatures(nodes: Map<String, NodeInfo>): List<Signature> =
    nodes.map { (name, node) ->
        val info = node.info
        if (info is TensorInfo) Signature(name, info.shape.toList(), dtype(info.type)) else Signature(name, emptyList(), "$info")
    }

private fun dtype(type: OnnxJavaType): String = DType.entries.firstOrNull { javaType(it) == type }?.id ?: type.name.lowercase()

/** What Java's API calls a type. */
internal fun javaType(dtype: DType): OnnxJavaType =
    when (dtype) {
        DType.FLOAT32 -> OnnxJavaType.FLOAT
        DType.FLOAT16 -> OnnxJavaType.FLOAT16
        DType.INT64 -> OnnxJavaType.INT64
        DType.INT32 -> OnnxJavaType.INT32
        DType.INT8 -> OnnxJavaType.INT8
    }

package io.github.mvmoe.onnx

import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.Tensor
import java.io.File
import java.security.MessageDigest

/** The bundles of `tests/conformance/answers`, which have real graphs. */
internal object AnswerBundles {
    val names = listOf("dispatch", "experts", "bind", "two_stages", "in_graph", "kept")

    fun root(name: String) = File(System.getProperty("mvmoe.repository"), "tests/conformance/answers/bundles/$name")

    fun open(name: String): Bundle = Bundle.open(root(name))
}

/** A copy of a bundle, to change something in it. */
internal class BundleCopy(
    name: String,
    folder: File,
) {
    val root = File(folder, name).also { AnswerBundles.root(name).copyRecursively(it) }
    private val manifest = File(root, "manifest.json")

    /** Changes the text of the manifest. */
    fun edit(change: (String) -> String) {
        val before = manifest.readText()
        manifest.writeText(change(before).also { check(it != before) })
    }

    /** Writes other bytes into a file, and what the manifest says of them. */
    fun replace(
        path: String,
        change: (ByteArray) -> ByteArray,
    ) {
        val file = File(root, path)
        val before = file.readBytes()
        val after = change(before)
        file.writeBytes(after)
        edit { text ->
            val size = Regex(""""path":\s*"${Regex.escape(path)}",\s*"bytes":\s*${before.size}""")
            check(size in text)
            text.replace(sha256(before), sha256(after)).replace(size, """"path": "$path", "bytes": ${after.size}""")
        }
    }
}

internal fun Bundle.graph(name: String): Graph = target("onnx").graphs.first { it.name == name }

/** Tensors of zeros for the inputs of a graph. */
internal fun Graph.newInputs(): Map<String, Tensor> = inputs.associate { it.name to Tensor.allocate(it.dtype, it.shape) }

/** Tensors of zeros for the outputs of a graph. */
internal fun Graph.newOutputs(): Map<String, Tensor> = outputs.associate { it.name to Tensor.allocate(it.dtype, it.shape) }

/** The numbers of a tensor of fp32. */
internal fun Tensor.numbers() = FloatArray(floats.capacity()).also { floats.duplicate().get(it) }

internal fun Tensor.put(numbers: FloatArray) {
    floats.duplicate().put(numbers)
}

private fun sha256(bytes: ByteArray) = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

package io.github.mvmoe.executorch

import io.github.mvmoe.bundle.Bundle
import java.io.File
import java.security.MessageDigest

/**
 * A bundle of `tests/conformance/answers` as one whose graphs are methods of one ExecuTorch program, which the stand-in for
 * ExecuTorch computes with the ONNX graphs.
 *
 * @param faults by the method's name, what goes wrong with it.
 */
internal class ExecuTorchBundle(
    name: String,
    folder: File,
    faults: Map<String, String> = emptyMap(),
    delegate: String = "xnnpack",
    change: (String) -> String = { it },
) {
    val onnx = File(System.getProperty("mvmoe.repository"), "tests/conformance/answers/bundles/$name")
    val root = File(folder, name).also { onnx.copyRecursively(it) }
    private val manifest = File(root, "manifest.json")
    private val program = File(root, "executorch/model.pte")

    init {
        val text = manifest.readText()
        val methods = GRAPH.findAll(text).map { it.groupValues[1] }.toList()
        program.parentFile.mkdirs()
        program.writeText(methods.joinToString("\n") { "$it ../onnx/$it.onnx ${faults[it].orEmpty()}".trim() })
        manifest.writeText(change(asExecuTorch(text, delegate)))
    }

    fun open(): Bundle = Bundle.open(root)

    /** Other bytes in place of the program, with their hash. */
    fun replaceProgram(bytes: ByteArray) {
        val before = record()
        program.writeBytes(bytes)
        manifest.writeText(manifest.readText().also { check(before in it) }.replace(before, record()))
    }

    private fun asExecuTorch(
        text: String,
        delegate: String,
    ): String =
        text
            .replace(GRAPH, """"file": "executorch/model.pte"$2"entry": "$1"""")
            .replace(""""onnx": {""", """"executorch": {""")
            .replace(""""format": "onnx"""", """"format": "executorch"""")
            .replace(""""profile": "cpu"""", """"profile": "cpu", "delegate": "$delegate"""")
            .replace(FILES) { """${it.value}${record()}, """ }

    private fun record() = """{"path": "executorch/model.pte", "bytes": ${program.length()}, "sha256": "${sha256(program.readBytes())}"}"""

    private companion object {
        val GRAPH = Regex(""""file": "onnx/(\w+)\.onnx"(.*?)"entry": null""", RegexOption.DOT_MATCHES_ALL)
        val FILES = Regex(""""files": \[\s*(?=\{)""")
    }
}

private fun sha256(bytes: ByteArray) = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

package io.github.mvmoe.bundle

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

class GraphFilesTest {
    @Test
    fun `a graph has its own file, its package, and what no single graph has`() {
        val target =
            manifestOf(
                withFiles("p/one.onnx", "p/one.onnx/weights/a", "p/one.onnx/b", "p/one.onnx.data", "shared.bin"),
            ).targets.getValue("onnx")
        val files = GraphFiles(target)
        val own = target.graphs.map { graph -> files.of(graph).map { it.path } }
        assertEquals(listOf("p/one.onnx/weights/a", "p/one.onnx/b", "p/one.onnx.data", "shared.bin"), own.first())
    }

    @Test
    fun `a graph does not have the files of another`() {
        val target = manifestOf(plainManifest("single")).targets.getValue("onnx")
        val files = GraphFiles(target)
        for (graph in target.graphs) {
            val found = files.of(graph).map { it.path }
            assertEquals(listOf(graph.file), found.filter { path -> target.graphs.any { it.file == path } })
            assertEquals(true, target.weights in found)
        }
    }

    /** The dense model of one graph, whose package has these files. */
    private fun withFiles(
        graph: String,
        vararg paths: String,
    ): Plain {
        val manifest = plainManifest("minimal")
        val target = manifest["targets"].asPlain()["onnx"].asPlain()
        target["graphs"].asItems().first().asPlain()["file"] = graph
        target["files"] = paths.map { mapOf("path" to it, "bytes" to 1, "sha256" to "0".repeat(64)) }
        return manifest
    }
}

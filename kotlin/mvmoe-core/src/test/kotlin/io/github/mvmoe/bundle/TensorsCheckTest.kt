package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

/** What the conformance cases of tensors leave out. */
class TensorsCheckTest {
    @Test
    fun `a tensor between stages has a size behind the batch`() {
        val manifest = plainManifest("single")
        for (target in manifest["targets"].asPlain().values) {
            for (graph in target.asPlain()["graphs"].asItems()) {
                val tensors = graph.asPlain()["inputs"].asItems() + graph.asPlain()["outputs"].asItems()
                tensors.map { it.asPlain() }.filter { it["name"] == "tokens" }.forEach { it["shape"] = it["shape"].asItems().take(1) }
            }
        }
        assertEquals("bundle.tensors-mismatch", codeOf(manifest))
    }

    @Test
    fun `only the image is pixels, not what steers routers inside of a graph`() {
        val manifest = plainManifest("inner-routers")
        val order = manifest["input"].asPlain()["channel_order"] ?: "RGB"
        val channels = if (order == "L") 1 else 3
        val pixels = mapOf("channel_order" to order, "scale" to List(channels) { 1 }, "bias" to List(channels) { 0 })
        val (image, steering) =
            manifest["targets"]
                .asPlain()["onnx"]
                .asPlain()["graphs"]
                .asItems()
                .single()
                .asPlain()["inputs"]
                .asItems()
                .map { it.asPlain() }
        image["pixels"] = pixels
        assertEquals(null, codeOf(manifest))
        steering["pixels"] = pixels
        assertEquals("bundle.manifest-inconsistent", codeOf(manifest))
    }

    private fun codeOf(manifest: Plain): String? =
        try {
            manifestOf(manifest)
            null
        } catch (error: BundleException) {
            error.code.id
        }
}

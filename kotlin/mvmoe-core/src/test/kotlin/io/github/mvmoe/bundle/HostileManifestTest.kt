package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.json.StrictJson
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import kotlin.test.assertEquals

/**
 * Manifests that would take hours or all memory where a check multiplied what they hold. Each takes about a second; the limit
 * only ends what would go on for ever.
 */
@Timeout(120)
class HostileManifestTest {
    @Test
    fun `a rule with more routes than atoms ends at the first graph that is missing`() {
        val manifest = plainManifest("single")
        manifest.rule(1, mapOf("type" to "top_k", "experts" to 4096, "k" to 2048))
        assertEquals("bundle.graphs-mismatch", codeOf(manifest))
    }

    @Test
    fun `so does a rule with finishing routes`() {
        val manifest = plainManifest("single")
        val rule = mapOf("type" to "threshold", "experts" to 4096, "thresholds" to List(4096) { 0 })
        manifest.rule(1, rule)
        manifest.stage(1)["finishes"] = List(1024) { listOf(it) }
        manifest.target("onnx")["strategy"] = "bind"
        assertEquals("bundle.output-missing", codeOf(manifest))
        manifest["outputs"] = listOf(mapOf("name" to "logits", "kind" to "tensor", "tensors" to listOf(manifest.stage(1)["router"])))
        assertEquals("bundle.graphs-mismatch", codeOf(manifest))
    }

    @Test
    fun `routes of one hash are compared by their order`() {
        val manifest = plainManifest("single")
        manifest.rule(1, mapOf("type" to "threshold", "experts" to 4096, "thresholds" to List(4096) { 0 }))
        // Each pair of experts is one of two with the same part of the hash: 31 * 1 - 31 = 0.
        val routes = List(1 shl 14) { bits -> (0 until 14).flatMap { pair -> collidingPair(200 * pair, bits shr pair and 1) } }
        assertEquals(1, routes.map { it.hashCode() }.distinct().size)
        manifest["usage_prior"] = listOf(routes.map { mapOf("route" to it, "share" to 1.0 / routes.size) })
        assertEquals("bundle.graphs-mismatch", codeOf(manifest), "the prior is sound")
        manifest["usage_prior"] = listOf((routes + listOf(routes.first())).map { mapOf("route" to it, "share" to 1.0 / routes.size) })
        assertEquals("bundle.manifest-inconsistent", codeOf(manifest), "a route twice")
    }

    private fun collidingPair(
        first: Int,
        which: Int,
    ) = listOf(first + which, first + 100 - 31 * which)

    @Test
    fun `keys of one hash are found by their order`() {
        // "Aa" and "BB" have one hash, and so has every text of them.
        val keys = List(1 shl 14) { bits -> (0 until 14).joinToString("") { if (bits shr it and 1 == 0) "Aa" else "BB" } }
        assertEquals(1, keys.map { it.hashCode() }.distinct().size)
        val manifest = plainManifest("single")
        manifest.target("onnx")["options"] = keys.associateWith { 1 }
        assertEquals(null, codeOf(manifest))
    }

    @Test
    fun `paths of many folders are not multiplied by their depth`() {
        val manifest = plainManifest("minimal")
        val files = manifest.target("onnx")["files"].asItems()
        val deep = "a/".repeat(245)
        repeat(30_000) { files.add(mapOf("path" to "$deep$it", "bytes" to 0, "sha256" to "0".repeat(64))) }
        val checked = manifestOf(manifest).targets.getValue("onnx")
        assertEquals(1 + 30_000, GraphFiles(checked).of(checked.graphs.first()).size)
    }

    @Test
    fun `sizes beyond all numbers are too large, not small again`() {
        for (shape in listOf(
            List(8) { Int.MAX_VALUE },
            listOf(1, 1 shl 30, 1 shl 30, 16),
            listOf(1, 1 shl 16, 1 shl 16, 1 shl 16, 1 shl 16),
        )) {
            val manifest = plainManifest("minimal")
            val output =
                manifest
                    .target("onnx")["graphs"]
                    .asItems()[0]
                    .asPlain()["outputs"]
                    .asItems()[0]
                    .asPlain()
            output["shape"] = listOf(1) + shape.drop(1)
            manifest["outputs"].asItems()[0].asPlain()["kind"] = "tensor"
            assertEquals("bundle.too-large", codeOf(manifest), "$shape")
        }
    }

    @Test
    fun `a weight of astronomical shape is not inside of its range`() {
        val manifest = plainManifest("bound")
        val expert =
            manifest
                .target("onnx")["experts"]
                .asItems()[0]
                .asItems()[0]
                .asPlain()
        expert["tensors"].asPlain()["more"] = mapOf("offset" to 0, "shape" to listOf(1 shl 30, 1 shl 30, 16), "dtype" to "float32")
        assertEquals("bundle.ranges-invalid", codeOf(manifest))
    }

    @Test
    fun `inputs times experts are not compared one by one`() {
        val manifest = plainManifest("bound")
        manifest["targets"] = mapOf("onnx" to manifest.target("onnx"))
        // All experts but the first finish images and have no weights; the graph binds one tensor to nearly all of its inputs.
        val others = 1024
        manifest.rule(2, mapOf("type" to "top_k", "experts" to 1 + others))
        manifest.stage(2)["finishes"] = List(others) { listOf(it + 1) }
        val target = manifest.target("onnx")
        val row = target["experts"].asItems()[1].asItems()
        repeat(others - 1) { row.add(linkedMapOf<String, Any>("offset" to 0, "bytes" to 0, "tensors" to emptyMap<String, Any>())) }
        val graphs = target["graphs"].asItems().map { it.asPlain() }
        graphs.first()["outputs"].asItems()[2].asPlain()["shape"] = listOf(1, 1 + others)
        val names = List(9000) { "w$it" }
        names.forEach { graphs.last()["inputs"].asItems().add(mapOf("name" to it, "shape" to listOf(1, 4, 3), "dtype" to "float32")) }
        names.forEach { graphs.last()["bound"].asPlain()[it] = mapOf("place" to 0, "tensor" to "matrix") }
        assertEquals(null, codeOf(manifest))
        row[others].asPlain()["tensors"] = mapOf("matrix" to mapOf("offset" to 0, "shape" to listOf(1), "dtype" to "float32"))
        row[others].asPlain()["bytes"] = 4
        assertEquals("bundle.ranges-invalid", codeOf(manifest), "in the range of another expert")
    }

    @Test
    fun `many empty objects and arrays take little memory`() {
        val nothing = "[" + "[],{},0,".repeat(1_000_000) + "0]"
        val text = jsonText(plainManifest("minimal")).dropLast(1) + ",\"more\":$nothing}"
        assertEquals("bundle.manifest-unknown-field", codeOf(text.toByteArray()))
    }

    private fun codeOf(manifest: Plain): String? = codeOf(jsonText(manifest).toByteArray())

    private fun codeOf(text: ByteArray): String? =
        try {
            ManifestReader
                .read(
                    io.github.mvmoe.json.StrictJson
                        .parse(text),
                ).also(Consistency::check)
            null
        } catch (error: BundleException) {
            error.code.id
        }

    private fun Plain.stage(index: Int): Plain = this["stages"].asItems()[index].asPlain()

    private fun Plain.rule(
        stage: Int,
        rule: Any,
    ) {
        stage(stage)["rule"] = rule
        this["usage_prior"] = null
    }

    private fun Plain.target(name: String): Plain = this["targets"].asPlain()[name].asPlain()
}

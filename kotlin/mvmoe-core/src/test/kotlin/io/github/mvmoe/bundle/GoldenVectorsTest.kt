package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.routing.Route
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull

class GoldenVectorsTest {
    @TempDir
    lateinit var folder: File

    /** Two routed stages, the second without a router; three images. */
    private val tensors =
        listOf(
            Written.floats("image", listOf(3, 1, 2, 2)) { it.toFloat() },
            Written.floats("logits.1", listOf(3, 3)) { -it.toFloat() },
            Written("members.1", "BOOL", listOf(3, 3), byteArrayOf(1, 0, 1, 0, 0, 0, 0, 1, 0)),
            Written.floats("gates.1", listOf(3, 3)) { it / 8f },
            Written("members.2", "BOOL", listOf(3, 2), byteArrayOf(0, 1, 0, 0, 1, 1)),
            Written.floats("gates.2", listOf(3, 2)) { 1f },
            Written.floats("outputs.answer", listOf(3, 2)) { it * 1.5f },
        )

    @Test
    fun `each image has its own rows`() {
        vectors(safetensors(tensors)).use {
            assertEquals(3, it.images)
            assertContentEquals(floatArrayOf(4f, 5f, 6f, 7f), it.image(1))
            assertContentEquals(floatArrayOf(-3f, -4f, -5f), it.logits(1, 1))
            assertContentEquals(FloatArray(0), it.logits(2, 1), "a stage without a router")
            assertEquals(listOf(Route.of(0, 2), null, Route.of(1)), List(3) { image -> it.members(1, image) })
            assertEquals(listOf(Route.of(1), null, Route.of(0, 1)), List(3) { image -> it.members(2, image) })
            assertContentEquals(floatArrayOf(6 / 8f, 7 / 8f, 1f), it.gates(1, 2))
            assertContentEquals(floatArrayOf(3f, 4.5f), it.output("answer", 1))
            assertNull(it.members(1, 1))
        }
    }

    @Test
    fun `tensors may stand in any order, with notes beside them`() {
        vectors(safetensors(tensors.reversed()) { it["__metadata__"] = mapOf("format" to "np") }).use {
            assertContentEquals(floatArrayOf(8f, 9f, 10f, 11f), it.image(2))
        }
    }

    @Test
    fun `values are read bit for bit`() {
        val bits = intArrayOf(0, 1, 0x80000000.toInt(), 0x7f800000, 0x00800001, 0x3f800001)
        val odd = tensors.dropLast(1) + Written.floats("outputs.answer", listOf(3, 2)) { Float.fromBits(bits[it]) }
        vectors(safetensors(odd)).use {
            assertEquals(bits.toList(), (0..2).flatMap { image -> it.output("answer", image).map(Float::toRawBits) })
        }
    }

    @Test
    fun `a damaged file is refused`() {
        val faults =
            mapOf<String, (Plain) -> Unit>(
                "a gap" to { it.offsets("image", 4, 52) },
                "an overlap" to { it.offsets("logits.1", 0, 36) },
                "beyond the end" to { it.offsets("outputs.answer", 177, 1000) },
                "backwards" to { it.offsets("image", 48, 0) },
                "below zero" to { it.offsets("image", -4, 44) },
                "three offsets" to { it["image"].asPlain()["data_offsets"] = listOf(0, 48, 48) },
                "an unknown type" to { it["image"].asPlain()["dtype"] = "F31" },
                "another type" to { it["image"].asPlain()["dtype"] = "I32" },
                "another shape" to { it["image"].asPlain()["shape"] = listOf(3, 4) },
                "a shape of another size" to { it["image"].asPlain()["shape"] = listOf(3, 1, 2, 3) },
                "an astronomical shape" to { it["image"].asPlain()["shape"] = List(8) { Int.MAX_VALUE } },
                "a shape below zero" to { it["image"].asPlain()["shape"] = listOf(3, -1, -2, 2) },
                "no shape" to { it["image"].asPlain().remove("shape") },
                "no tensor" to { it["image"] = 1 },
                "a tensor missing" to { it.remove("outputs.answer") },
                "another name" to { it["outputs.other"] = it.remove("outputs.answer") },
            )
        for ((name, change) in faults) {
            assertEquals("bundle.golden-invalid", refused(safetensors(tensors, change)).code.id, name)
        }
    }

    @Test
    fun `a damaged header is refused`() {
        val contents = tensors.map { it.bytes }
        val files =
            mapOf(
                "no bytes" to ByteArray(0),
                "seven bytes" to ByteArray(7),
                "no JSON" to withHeader("{".toByteArray(), contents),
                "an array" to withHeader("[]".toByteArray(), contents),
                "a key twice" to withHeader("{\"a\":{},\"a\":{}}".toByteArray(), contents),
                "no UTF-8" to withHeader(byteArrayOf(-1), contents),
                "longer than the file" to withHeader("{}".toByteArray(), emptyList(), length = 3),
                "2^63 bytes" to withHeader("{}".toByteArray(), contents, length = Long.MIN_VALUE),
                "2^62 bytes" to withHeader("{}".toByteArray(), contents, length = 1L shl 62),
            )
        for ((name, bytes) in files) assertEquals("bundle.golden-invalid", refused(bytes).code.id, name)
    }

    @Test
    fun `a vector that is not what the manifest makes it is named`() {
        val error = refused(safetensors(tensors.dropLast(1) + Written.floats("outputs.answer", listOf(3, 3)) { 0f }))
        assertEquals("bundle.golden-invalid outputs.answer", "${error.code.id} ${error.fields["vector"]}")
        val unknown = refused(safetensors(tensors + Written.floats("logits.2", listOf(3, 2)) { 0f }))
        assertEquals("logits.2", unknown.fields["vector"])
    }

    @Test
    fun `a file that is far too long is refused by its size`() {
        val error = refused(safetensors(tensors) + ByteArray(2_000_000))
        assertEquals("bundle.size-mismatch", error.code.id)
        assertEquals("bundle.golden-invalid", refused(safetensors(tensors) + ByteArray(1000)).code.id)
    }

    @Test
    fun `rows come from the file that was checked`() {
        vectors(safetensors(tensors)).use {
            folder.resolve("golden.safetensors").delete()
            folder.resolve("golden.safetensors").writeText("another file")
            assertContentEquals(floatArrayOf(0f, 1f, 2f, 3f), it.image(0))
        }
    }

    private fun Plain.offsets(
        name: String,
        from: Int,
        until: Int,
    ) {
        this[name].asPlain()["data_offsets"] = listOf(from, until)
    }

    private fun vectors(bytes: ByteArray) = opened(bytes)

    private fun refused(bytes: ByteArray): BundleException = assertFailsWith<BundleException> { opened(bytes) }

    private fun opened(bytes: ByteArray): GoldenVectors {
        folder.resolve("golden.safetensors").writeBytes(bytes)
        val record = linkedMapOf<String, Any?>("path" to "golden.safetensors", "bytes" to bytes.size, "sha256" to sha256Of(bytes))
        return GoldenVectors.open(folder, manifestOf(manifest(record)))
    }

    private fun manifest(record: Plain): Plain {
        val manifest = plainManifest("minimal")
        manifest["input"] = mapOf("height" to 2, "width" to 2, "channel_order" to "L", "mean" to listOf(0), "std" to listOf(1))
        manifest["stages"] =
            listOf(
                stage("stem", null, null, mapOf("image" to "image"), mapOf("logits" to "logits", "tokens" to "tokens")),
                stage(
                    "one",
                    mapOf("type" to "threshold", "experts" to 3, "thresholds" to listOf(0, 0, 0)),
                    "logits",
                    TAKES,
                    mapOf("x" to "x"),
                ),
                stage("two", GIVEN, null, TAKES, mapOf("answer" to "answer")),
            )
        manifest["outputs"] = listOf(mapOf("name" to "answer", "kind" to "logits", "tensors" to listOf("answer")))
        val target = manifest["targets"].asPlain()["onnx"].asPlain()
        target["strategy"] = "all-experts"
        target["graphs"] =
            listOf(
                graph(0, listOf(tensor("image", 1, 1, 2, 2)), listOf(tensor("logits", 1, 3), tensor("tokens", 1, 4))),
                graph(1, listOf(tensor("tokens", 1, 4), tensor("gates", 1, 3)), listOf(tensor("x", 1, 4))),
                graph(2, listOf(tensor("tokens", 1, 4), tensor("gates", 1, 2)), listOf(tensor("answer", 1, 2))),
            )
        manifest["golden"] = mapOf("images" to 3, "file" to record)
        return manifest
    }

    private fun stage(
        name: String,
        rule: Any?,
        router: String?,
        takes: Any,
        gives: Any,
    ) = mapOf("name" to name, "rule" to rule, "router" to router, "takes" to takes, "gives" to gives)

    private fun graph(
        stage: Int,
        inputs: List<Any>,
        outputs: List<Any>,
    ) = mapOf(
        "name" to "graph$stage",
        "stage" to stage,
        "route" to null,
        "file" to "onnx/stem.onnx",
        "weight_bytes" to 0,
        "exclusive_bytes" to 0,
        "inputs" to inputs,
        "outputs" to outputs,
    )

    private fun tensor(
        name: String,
        vararg shape: Int,
    ) = mapOf("name" to name, "shape" to shape.toList(), "dtype" to "float32")

    private companion object {
        val TAKES = mapOf("tokens" to "tokens")
        val GIVEN = mapOf("type" to "given", "experts" to 2, "routes" to mapOf("a" to listOf(0), "b" to listOf(1), "c" to listOf(0, 1)))
    }
}

package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.InputException
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertNull

class BundleTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `a bundle has what its manifest says`() {
        val bundle = Bundle.open(made("single"))
        assertEquals(
            listOf("onnx", "onnx-nnapi", "coreml", "executorch"),
            bundle.manifest.targets.keys
                .toList(),
        )
        assertEquals("onnx", bundle.target("onnx").format)
        assertEquals(1, bundle.manifest.rules.size)
        assertEquals(sha256Of(BundlesSuite.valid.getValue("single").manifest), bundle.manifestSha256)
        assertEquals(folder.resolve("single"), bundle.root)
    }

    @Test
    fun `a bundle says what was compressed, and what that cost`() {
        val bundle = Bundle.open(made("compressed"))
        val compression = checkNotNull(bundle.target("onnx").compression)
        assertEquals(listOf("int8", "dynamic-int8"), listOf(compression.weights, compression.activations))
        assertEquals(listOf(2L, 400L), listOf(compression.layers, compression.plainBytes))
        assertEquals(
            0.908,
            bundle
                .target("onnx")
                .parity
                ?.verification
                ?.accuracy
                ?.target,
        )
        assertNull(bundle.target("plain").parity)
        assertNull(Bundle.open(made("single")).target("onnx").compression)
    }

    @Test
    fun `the manifest that was pinned is opened, another is refused unread`() {
        val root = made("single")
        val pin = Bundle.open(root).manifestSha256
        Bundle.open(root, pin.uppercase())
        root.resolve("manifest.json").writeText("not JSON at all")
        val error = assertFailsWith<BundleException> { Bundle.open(root, pin) }
        assertEquals("bundle.wrong-manifest", error.code.id)
        assertEquals(pin, error.fields["expected"])
        assertEquals(sha256Of("not JSON at all".toByteArray()), error.fields["found"])
    }

    @Test
    fun `what is no SHA-256 is refused`() {
        for (given in listOf("", "0".repeat(63), "g".repeat(64), " " + "0".repeat(63), "٣".repeat(64))) {
            assertEquals("input.invalid", assertFailsWith<InputException> { Bundle.open(made("single"), given) }.code.id)
        }
    }

    @Test
    fun `no bundle, and a file in its place`() {
        for (path in listOf(folder.resolve("none"), folder.resolve("file").also { it.writeText("x") })) {
            val error = assertFailsWith<BundleException> { Bundle.open(path) }
            assertEquals("bundle.missing", error.code.id)
            assertEquals("bundle $path is not a directory; give one that mvmoe export has written", error.message)
        }
    }

    @Test
    fun `a target that the bundle lacks`() {
        val error = assertFailsWith<BundleException> { Bundle.open(made("single")).target("tflite") }
        assertEquals("bundle.no-target", error.code.id)
        assertEquals(mapOf("target" to "tflite", "available" to listOf("coreml", "executorch", "onnx", "onnx-nnapi")), error.fields)
    }

    @Test
    fun `the file of one target is checked for itself`() {
        val root = made("single")
        root.resolve("executorch/model.pte").appendText("x")
        val bundle = Bundle.open(root)
        bundle.verify("onnx", "coreml")
        val error = assertFailsWith<BundleException> { bundle.verify() }
        assertEquals("bundle.size-mismatch executorch/model.pte", "${error.code.id} ${error.fields["file"]}")
    }

    @Test
    fun `targets whose files were removed are known, damaged ones are not among them`() {
        val root = made("single")
        val bundle = Bundle.open(root)
        assertEquals(emptyMap(), bundle.removedTargets())
        root.resolve("coreml").deleteRecursively()
        assertEquals(setOf("coreml"), bundle.removedTargets().keys)
        assertEquals("its files were removed from the bundle: executorch/model.pte", removedExecutorch(root, bundle))
        checkNotNull(root.resolve("onnx").listFiles()).first { it.name.startsWith("step1") }.delete()
        assertEquals(setOf("coreml", "executorch"), bundle.removedTargets().keys)
        root.deleteRecursively()
        assertEquals(emptyMap(), bundle.removedTargets(), "nothing is left of the bundle at all")
    }

    @Test
    fun `a file in the place of a target's folder was not removed`() {
        val root = made("single")
        root.resolve("coreml").deleteRecursively()
        root.resolve("coreml").writeText("x")
        val bundle = Bundle.open(root)
        assertEquals(emptyMap(), bundle.removedTargets())
        assertEquals("bundle.file-missing", assertFailsWith<BundleException> { bundle.verify("coreml") }.code.id)
    }

    private fun removedExecutorch(
        root: File,
        bundle: Bundle,
    ): String? {
        root.resolve("executorch").deleteRecursively()
        return bundle.removedTargets()["executorch"]
    }

    @Test
    fun `what the system refuses is one sentence, and a limit has its own code`() {
        val unreadable = cannotRead(folder, "onnx/stem.onnx", IOException("Input/output error"))
        assertIs<BundleException>(unreadable)
        assertEquals("bundle.file-unreadable", unreadable.code.id)
        assertEquals("onnx/stem.onnx", unreadable.fields["file"])
        assertEquals("limit.files", cannotRead(folder, "a", IOException("/x (Too many open files)")).code.id)
        assertEquals("limit.memory", cannotRead(folder, "a", IOException("Map failed", OutOfMemoryError("Map failed"))).code.id)
    }

    private fun made(name: String): File = folder.resolve(name).also { BundlesSuite.valid.getValue(name).writeTo(it) }
}

internal fun ValidBundle.writeTo(root: File) {
    for ((path, bytes) in files) root.resolve(path).also { it.parentFile.mkdirs() }.writeBytes(bytes)
}

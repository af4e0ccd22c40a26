package io.github.mvmoe.onnx

import io.github.mvmoe.EngineException
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertContains
import kotlin.test.assertEquals

/** Opens the engine twice where it lacks something, and prints what it says. */
private object OpensTwice {
    @JvmStatic
    fun main(arguments: Array<String>) {
        // A JVM sets its vendor itself, whatever its options say.
        System.getProperty("pretended.vendor")?.let { System.setProperty("java.vendor", it) }
        val bundle = AnswerBundles.open("dispatch")
        repeat(2) {
            try {
                OnnxEngine(threads = 1).open(bundle.root, bundle.target("onnx"))
                println("opened")
            } catch (error: EngineException) {
                println("${error.code.id}: ${error.message}")
            }
        }
    }
}

class MissingLibraryTest {
    @TempDir
    lateinit var folder: File

    private fun said(child: ChildJvm): List<String> {
        val lines = child.run(OpensTwice::class.java).trim().lines()
        assertEquals(2, lines.size, lines.joinToString("\n"))
        for (line in lines) {
            assertContains(line, "engine.unsupported-platform: ONNX Runtime has no native library that runs here, on ")
            assertContains(line, "; add com.microsoft.onnxruntime:onnxruntime-android (elsewhere :onnxruntime)")
        }
        return lines
    }

    @Test
    fun `a library that the jar does not have for the machine is one sentence, each time`() {
        val lines = said(ChildJvm(folder, properties = mapOf("os.arch" to "ppc64")))
        assertContains(lines[0], "on Linux ppc64 (no onnxruntime in java.library.path")
        assertContains(lines[1], "on Linux ppc64 (")
    }

    @Test
    fun `on Android the sentence names the ABI`() {
        val android = mapOf("os.arch" to "armv7l", "pretended.vendor" to "The Android Project")
        val lines = said(ChildJvm(folder, properties = android))
        assertContains(lines[0], "on the ABI armeabi-v7a (no onnxruntime4j_jni in java.library.path")
    }

    @Test
    fun `a machine that ONNX Runtime does not know is the same sentence`() {
        val lines = said(ChildJvm(folder, properties = mapOf("os.arch" to "sparcv9")))
        assertContains(lines[0], "on Linux sparcv9 (Unsupported arch:sparcv9)")
    }

    @Test
    fun `an application without ONNX Runtime is the same sentence`() {
        val lines = said(ChildJvm(folder) { "onnxruntime-" !in it })
        assertContains(lines[0], "(ai.onnxruntime.")
    }
}

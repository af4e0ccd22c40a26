package io.github.mvmoe.onnx

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertContains
import kotlin.test.assertEquals

/** Answers an image, with ONNX Runtime's library loaded by the engine. */
private object AnswersOnce {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val bundle = AnswerBundles.open("dispatch")
        val stem = bundle.graph("stem")
        OnnxEngine(threads = 1).open(bundle.root, bundle.target("onnx")).use { runner ->
            runner.load(stem).use { it.bind(stem.newInputs(), stem.newOutputs()).run() }
            println(runner.description)
        }
        Thread.sleep(500) // What it writes in the background would be there by then.
    }
}

class TelemetryTest {
    @TempDir
    lateinit var folder: File

    /** Without the variable there are `.cache/Microsoft` in the home, and `.ses` in the temporary folder. */
    @Test
    fun `with the variable set ONNX Runtime leaves nothing in the home`() {
        val child = ChildJvm(folder, environment = mapOf("ORT_DISABLE_TELEMETRY" to "1"))
        assertContains(child.run(AnswersOnce::class.java), "ONNX Runtime")
        assertEquals(
            emptyList(),
            child.home
                .walk()
                .drop(1)
                .toList(),
        )
        // The Java API unpacks its library there; the folder, then empty, stays.
        val left =
            child.temporary
                .walk()
                .drop(1)
                .filterNot { it.isDirectory && it.name.startsWith("onnxruntime-java") }
        assertEquals(emptyList(), left.toList())
    }
}

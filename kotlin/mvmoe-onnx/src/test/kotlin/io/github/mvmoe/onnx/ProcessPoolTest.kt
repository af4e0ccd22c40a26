package io.github.mvmoe.onnx

import io.github.mvmoe.MvmoeException
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertContains
import kotlin.test.assertEquals

/** Opens engines one after the other, and prints what comes of each. */
private object SharesAPool {
    @JvmStatic
    fun main(arguments: Array<String>) {
        println(threads())
        open(OnnxEngine(threads = 3, pool = ThreadPool.PROCESS))
        open(OnnxEngine(threads = 3, pool = ThreadPool.PROCESS))
        open(OnnxEngine(threads = 3))
        open(OnnxEngine(threads = 2, pool = ThreadPool.PROCESS))
        open(OnnxEngine(threads = null))
    }

    private fun open(engine: OnnxEngine) {
        val bundle = AnswerBundles.open("dispatch")
        try {
            engine.open(bundle.root, bundle.target("onnx")).use { runner ->
                val graphs = bundle.target("onnx").graphs.map { it to runner.load(it) }
                for ((graph, loaded) in graphs) loaded.bind(graph.newInputs(), graph.newOutputs()).run()
                println("${graphs.size} graphs ran, ${threads()} threads")
                graphs.forEach { (_, loaded) -> loaded.close() }
            }
        } catch (error: MvmoeException) {
            println("${error.code.id} ${error.fields}: ${error.message}")
        }
    }

    /** Those that ONNX Runtime has started: the JVM's own have names of their own. */
    private fun threads() = File("/proc/self/task").listFiles().orEmpty().count { File(it, "comm").readText().trim() == "java" }
}

class ProcessPoolTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `all graphs of a process share one pool, which has one size`() {
        val lines = ChildJvm(folder).run(SharesAPool::class.java).trim().lines()
        val before = lines[0].toInt()
        // Of three threads two are the pool's: the one that calls is the third.
        for (line in lines.slice(1..3)) assertEquals("4 graphs ran, ${before + 2} threads", line)
        assertContains(lines[4], "engine.option {option=pool}: threads 2 was given, but this process has one pool")
        assertContains(lines[4], "with 3; give that number, or use another process")
        assertContains(lines[5], "engine.option {option=pool}: threads null was given")
    }
}

package io.github.mvmoe.onnx

import java.io.File
import java.util.concurrent.TimeUnit

/** A JVM of its own with these tests' classes: ONNX Runtime's library is loaded once a process, with what its environment says then. */
internal class ChildJvm(
    private val folder: File,
    private val environment: Map<String, String> = mapOf("ORT_DISABLE_TELEMETRY" to "1"),
    private val properties: Map<String, String> = emptyMap(),
    private val isOnClassPath: (String) -> Boolean = { true },
) {
    /** Where it may write: its home, and what it takes for temporary files. */
    val home = File(folder, "home").apply { mkdirs() }
    val temporary = File(folder, "tmp").apply { mkdirs() }

    /** What a program prints, which has to end well. */
    fun run(program: Class<*>): String {
        val output = File(folder, "output.txt")
        val process =
            ProcessBuilder(command(program))
                .redirectErrorStream(true)
                .redirectOutput(output)
                .apply {
                    environment().clear()
                    environment().putAll(environment + mapOf("HOME" to home.path, "TMPDIR" to temporary.path))
                }.start()
        check(process.waitFor(MOST_SECONDS, TimeUnit.SECONDS)) { process.destroyForcibly() }
        check(process.exitValue() == 0) { output.readText() }
        return output.readText()
    }

    private fun command(program: Class<*>): List<String> {
        val all = properties + mapOf("user.home" to home.path, "java.io.tmpdir" to temporary.path) + repository()
        val java = File(System.getProperty("java.home"), "bin/java").path
        return listOf(java) + all.map { (name, value) -> "-D$name=$value" } + listOf("-cp", classPath(), program.name)
    }

    private fun repository() = mapOf("mvmoe.repository" to System.getProperty("mvmoe.repository"))

    private fun classPath(): String {
        val all = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        return all.split(File.pathSeparator).filter(isOnClassPath).joinToString(File.pathSeparator)
    }

    private companion object {
        const val MOST_SECONDS = 120L
    }
}

package io.github.mvmoe.executorch

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.net.URLClassLoader
import java.util.concurrent.Callable
import kotlin.test.assertContains
import kotlin.test.assertEquals

/** Opens the engine and gives what it says; loaded by class loaders that lack something. */
internal class Opens(
    private val root: File,
) : Callable<String> {
    override fun call(): String =
        try {
            val bundle =
                io.github.mvmoe.bundle.Bundle
                    .open(root)
            ExecuTorchEngine().open(root, bundle.target("executorch")).description
        } catch (error: io.github.mvmoe.EngineException) {
            "${error.code.id}: ${error.message}"
        }
}

/** Without the stand-in for ExecuTorch: as in an application that lacks its library, or all of it. */
internal class MissingLibraryTest {
    @TempDir
    lateinit var folder: File

    private fun said(isThere: (String) -> Boolean): String {
        val entries = (System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")).split(File.pathSeparator)
        val urls = entries.filter { isThere(it) }.map { File(it).toURI().toURL() }
        val root = ExecuTorchBundle("dispatch", folder).root
        return Application(urls.toTypedArray()).use { application ->
            val opens = application.loadClass(Opens::class.java.name).getConstructor(File::class.java).newInstance(root)
            (opens as Callable<*>).call() as String
        }
    }

    @Test
    fun `a missing library is one sentence that names the system`() {
        val said = said { true }
        assertContains(said, "engine.unsupported-platform: ExecuTorch has no native library that runs here, on Linux ")
        assertContains(said, "; add org.pytorch:executorch-android")
        assertEquals(1, said.lines().size)
    }

    @Test
    fun `an application without ExecuTorch is the same sentence`() {
        val said = said { "executorch-stubs" !in it }
        assertContains(said, "engine.unsupported-platform: ExecuTorch has no native library that runs here, on Linux ")
        assertContains(said, "ExecuTorchRuntime")
    }

    @Test
    fun `on Android the sentence names the ABI`() {
        val (vendor, architecture) = listOf("java.vendor", "os.arch").map { System.getProperty(it) }
        try {
            System.setProperty("java.vendor", "The Android Project")
            System.setProperty("os.arch", "armv7l")
            assertContains(said { true }, "on the ABI armeabi-v7a (")
        } finally {
            System.setProperty("java.vendor", vendor)
            System.setProperty("os.arch", architecture)
        }
    }
}

/** Classes as an application has them: from those jars, and none of the tests but [Opens]. */
private class Application(
    urls: Array<java.net.URL>,
) : URLClassLoader(urls, getPlatformClassLoader()) {
    override fun findClass(name: String): Class<*> {
        val found = findResource(name.replace('.', '/') + ".class")
        val isStandIn = name.startsWith("org.pytorch.") && found != null && "test-classes" in found.path
        if (!isStandIn) return super.findClass(name)
        val signatures = findResources(name.replace('.', '/') + ".class").toList().firstOrNull { "test-classes" !in it.path }
        val bytes = (signatures ?: throw ClassNotFoundException(name)).readBytes()
        return defineClass(name, bytes, 0, bytes.size)
    }
}

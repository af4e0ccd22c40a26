package io.github.mvmoe.documentation

import org.jetbrains.kotlin.cli.common.ExitCode
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.awt.image.BufferedImage
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import java.net.URLClassLoader
import javax.imageio.ImageIO
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** What the documentation shows compiles against what is published, runs, and names its versions. */
class DocumentationTest {
    @TempDir
    lateinit var folder: File

    private val classes get() = File(folder, "classes")

    /** Whole files, as they are in the page. */
    private fun write(
        name: String,
        text: String,
    ) = File(folder, "sources/$name.kt").apply { parentFile.mkdirs() }.writeText(text)

    private fun compile() {
        val said = ByteArrayOutputStream()
        val options = listOf("-Werror", "-no-stdlib", "-no-reflect", "-jvm-target", "17", "-cp", classPath(), "-d", classes.path)
        val words = (options + File(folder, "sources").path).toTypedArray()
        val code = PrintStream(said).use { K2JVMCompiler().exec(it, *words) }
        assertEquals(ExitCode.OK, code, said.toString())
    }

    private fun classPath(): String {
        val all = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        return all.split(File.pathSeparator).filter { File(it).exists() }.joinToString(File.pathSeparator)
    }

    @Test
    fun `every block of the page on Kotlin compiles, and the program runs`() {
        val blocks = blocks("docs/kotlin.md", "kotlin")
        assertTrue(blocks.size >= 5, "blocks were found: ${blocks.size}")
        blocks.forEachIndexed { index, block -> write(if ("fun main(" in block) "Main" else "Block$index", block) }
        write("ImageProxy", javaClass.getResource("/documentation/ImageProxy.kt")!!.readText())
        compile()
        assertContains(printed("example.jvm.MainKt"), Regex("""route \[\d], gates \[\[0\.\d+]]"""))
    }

    @Test
    fun `the block of the README compiles`() {
        val block = blocks("README.md", "kotlin").single()
        val imports = listOf("Dispatcher", "Residency", "onnx.OnnxEngine", "preprocessing.PixelBuffer").map { "import io.github.mvmoe.$it" }
        write("Readme", (imports + "import java.io.File" + "fun readme(pixels: PixelBuffer) {" + block + "}").joinToString("\n"))
        compile()
    }

    @Test
    fun `the versions of the page are those of the build`() {
        val found =
            blocks("docs/kotlin.md", "kts").flatMap { block ->
                Regex("implementation\\(\"([^\"]+):([^:\"]+)\"\\)").findAll(block).map { it.groupValues[1] to it.groupValues[2] }
            }
        val wanted =
            mapOf(
                "io.github.mvmoe:mvmoe-android" to version("mvmoe"),
                "io.github.mvmoe:mvmoe-onnx" to version("mvmoe"),
                "io.github.mvmoe:mvmoe-executorch" to version("mvmoe"),
                "com.microsoft.onnxruntime:onnxruntime-android" to version("onnxruntime"),
                "org.jetbrains.kotlinx:kotlinx-coroutines-android" to version("coroutines"),
                // On no repository that this build uses.
                "org.pytorch:executorch-android" to "1.0.1",
            )
        assertEquals(wanted, found.toMap())
    }

    private fun version(name: String): String = System.getProperty("version.$name")

    /** What a program prints of a bundle and a picture. */
    private fun printed(program: String): String {
        val bundle = File(System.getProperty("mvmoe.repository"), "tests/conformance/answers/bundles/dispatch")
        val photo = File(folder, "photo.png")
        ImageIO.write(BufferedImage(20, 10, BufferedImage.TYPE_INT_RGB), "png", photo)
        val standard = System.out
        val said = ByteArrayOutputStream()
        try {
            System.setOut(PrintStream(said))
            URLClassLoader(arrayOf(classes.toURI().toURL()), javaClass.classLoader).use { loader ->
                val main = loader.loadClass(program).getMethod("main", Array<String>::class.java)
                main.invoke(null, arrayOf(bundle.path, photo.path))
            }
        } finally {
            System.setOut(standard)
        }
        return said.toString()
    }
}

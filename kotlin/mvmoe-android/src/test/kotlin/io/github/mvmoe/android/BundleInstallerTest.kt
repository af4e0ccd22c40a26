package io.github.mvmoe.android

import android.content.Context
import android.content.res.AssetManager
import android.system.ErrnoException
import android.system.OsConstants
import io.github.mvmoe.BundleException
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.onnx.OnnxEngine
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import java.io.File
import java.io.FilterInputStream
import java.io.IOException
import java.io.InputStream
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import kotlin.concurrent.thread
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class BundleInstallerTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val context: Context = RuntimeEnvironment.getApplication()
    private val installer by lazy { BundleInstaller(context, File(folder.root, "installed")) }
    private val place get() = File(installer.directory, NAME)

    /** A folder whose files are counted as they are opened, and may fail. */
    private class Source(
        private val root: File = ANSWER_BUNDLE,
        private val isThere: (String) -> Boolean = { true },
        private val change: (String, InputStream) -> InputStream = { _, stream -> stream },
    ) : BundleSource {
        val opened = ConcurrentLinkedQueue<String>()

        override fun open(path: String): InputStream? {
            opened += path
            val file = File(root, path)
            return if (file.isFile && isThere(path)) change(path, file.inputStream()) else null
        }

        override fun toString() = "the bundle"
    }

    private fun install(source: BundleSource): File = installer.install(source, NAME)

    private fun refused(source: BundleSource): MvmoeException = assertThrows(MvmoeException::class.java) { install(source) }

    private fun copyOfBundle(edit: (String) -> String = { it }): File {
        val copy = folder.newFolder()
        ANSWER_BUNDLE.copyRecursively(copy, overwrite = true)
        File(copy, "manifest.json").run { writeText(edit(readText())) }
        return copy
    }

    /** What is in the place of the bundle but the lock. */
    private fun left(): List<String> = place.list().orEmpty().filter { it != ".lock" }

    @Test
    fun `a bundle in the assets is installed, and answers`() {
        val apk = folder.newFile("base.apk")
        ZipOutputStream(apk.outputStream()).use { zip ->
            for ((path, bytes) in filesOf(ANSWER_BUNDLE)) {
                zip.putNextEntry(ZipEntry("assets/models/$NAME/$path"))
                zip.write(bytes.toByteArray())
            }
        }
        AssetManager::class.java.getMethod("addAssetPath", String::class.java).invoke(context.assets, apk.path)
        val installed = installer.fromAssets("models/$NAME")
        assertEquals(place, installed.parentFile)
        assertEquals(filesOf(ANSWER_BUNDLE), filesOf(installed))
        AndroidDispatchers.open(context, installed, OnnxEngine(threads = 1)).use { it.check().requireOk() }
        assertEquals(installed, runBlocking { installer.fromAssetsAsync("models/$NAME/") })
        assertEquals(ErrorCode.BUNDLE_MISSING, assertThrows(BundleException::class.java) { installer.fromAssets("models/none") }.code)
    }

    @Test
    fun `nothing is copied again before the manifest changes`() {
        val installed = install(Source())
        val again = Source()
        assertEquals(installed, install(again))
        assertEquals(listOf("manifest.json"), again.opened.toList())
    }

    @Test
    fun `a bundle with another manifest takes the place of the old one`() {
        val first = install(Source())
        val second = install(Source(copyOfBundle { it.replace("\"name\": \"model\"", "\"name\": \"newer\"") }))
        assertNotEquals(first, second)
        assertEquals(listOf(second.name), left())
        Dispatcher.open(second, OnnxEngine(threads = 1)).use { assertEquals("newer", it.bundle.manifest.model.name) }
    }

    @Test
    fun `a file that somebody has cut off is copied again`() {
        val installed = install(Source())
        File(installed, "onnx/weights.bin").run { writeBytes(readBytes().copyOf(10)) }
        assertEquals(installed, install(Source()))
        assertEquals(filesOf(ANSWER_BUNDLE), filesOf(installed))
    }

    @Test
    fun `what a killed process has left is cleared away`() {
        File(place, ".part/onnx").mkdirs()
        File(place, ".part/onnx/stem.onnx").writeText("half")
        val installed = install(Source())
        assertEquals(listOf(installed.name), left())
    }

    @Test
    fun `a storage that becomes full on the way is one sentence, and leaves what was there`() {
        val old = install(Source(copyOfBundle { it.replace("\"name\": \"model\"", "\"name\": \"older\"") }))
        val full =
            Source(change = { path, stream ->
                if (path == "onnx/weights.bin") Failing(stream, FULL) else stream
            })
        val error = refused(full)
        assertTrue(error is ResourceLimitException)
        assertEquals(ErrorCode.LIMIT_REACHED, error.code)
        assertEquals("the storage is too full for the bundle; free some, or export fewer targets", error.message)
        assertEquals(listOf(old.name), left())
        Dispatcher.open(old, OnnxEngine(threads = 1)).close()
    }

    @Test
    fun `a bundle that is larger than the storage is refused before it is copied`() {
        val size = Regex("\"bytes\": \\d+,(\\s*\"sha256\": \"[0-9a-f]{64}\"\\s*}\\s*]\\s*,\\s*\"parity\")")
        val huge = copyOfBundle { text -> text.also { check(size in it) }.replace(size, "\"bytes\": 1000000000000000,$1") }
        val source = Source(huge)
        val error = refused(source)
        assertEquals(ErrorCode.LIMIT_REACHED, error.code)
        assertContains(error.message.orEmpty(), "bytes, and ")
        assertEquals(listOf("manifest.json"), source.opened.toList())
        assertEquals(emptyList(), left())
    }

    @Test
    fun `damaged bundles are refused, and leave nothing`() {
        val longer = { path: String, stream: InputStream ->
            if (path == "onnx/stem.onnx") (stream.readBytes() + 1).inputStream() else stream
        }
        val other = { path: String, stream: InputStream ->
            if (path == "onnx/stem.onnx") stream.readBytes().also { it[9]++ }.inputStream() else stream
        }
        val sources =
            mapOf(
                Source(isThere = { it != "manifest.json" }) to ErrorCode.BUNDLE_MISSING,
                Source(copyOfBundle { it.dropLast(20) }) to ErrorCode.BUNDLE_MANIFEST_NOT_JSON,
                Source(copyOfBundle { it.replace("\"onnx/stem.onnx\"", "\"../stem.onnx\"") }) to ErrorCode.BUNDLE_PATH_OUTSIDE,
                Source(isThere = { it != "onnx/stem.onnx" }) to ErrorCode.BUNDLE_FILE_MISSING,
                Source(change = longer) to ErrorCode.BUNDLE_SIZE_MISMATCH,
                Source(change = other) to ErrorCode.BUNDLE_HASH_MISMATCH,
                Source(change = { _, stream -> Failing(stream, IOException("the card was pulled")) }) to ErrorCode.BUNDLE_INVALID,
            )
        for ((source, code) in sources) {
            val error = refused(source)
            assertEquals(code, error.code, error.message)
            assertEquals(1, error.message?.lines()?.size)
            assertEquals(emptyList(), left(), "$code")
        }
        assertFalse(File(folder.root, "installed/stem.onnx").exists())
    }

    @Test
    fun `names that are no folder's are refused`() {
        for (name in listOf("", ".", "..", "../x", "a/b", ".hidden", "a\u0000")) {
            val error = assertThrows(InputException::class.java) { installer.install(Source(), name) }
            assertEquals(ErrorCode.INPUT_INVALID, error.code, name)
        }
    }

    @Test
    fun `threads that install the same bundle copy it once`() {
        val sources = List(4) { Source() }
        val failures = ConcurrentLinkedQueue<Throwable>()
        val found = ConcurrentLinkedQueue<File>()
        sources.map { thread { runCatching { found += install(it) }.onFailure(failures::add) } }.forEach(Thread::join)
        assertEquals(emptyList(), failures.toList())
        assertEquals(1, found.toSet().size)
        assertEquals(1, sources.count { it.opened.size > 1 })
    }

    @Test
    fun `an interrupted installation leaves nothing`() {
        val interrupting = { path: String, stream: InputStream ->
            if (path == "onnx/stem.onnx") Thread.currentThread().interrupt()
            stream
        }
        assertThrows(InterruptedException::class.java) { install(Source(change = interrupting)) }
        assertEquals(emptyList(), left())
    }

    /** It gives some bytes, and then fails. */
    private class Failing(
        stream: InputStream,
        private val failure: IOException,
    ) : FilterInputStream(stream) {
        private var reads = 0

        override fun read(
            into: ByteArray,
            offset: Int,
            length: Int,
        ): Int = if (reads++ == 0) super.read(into, offset, minOf(length, 10)) else throw failure
    }

    private companion object {
        const val NAME = "digits.mvmoe"

        /** As Android throws it where a file is written. */
        val FULL = IOException("write failed: ENOSPC (No space left on device)", ErrnoException("write", OsConstants.ENOSPC))
    }
}

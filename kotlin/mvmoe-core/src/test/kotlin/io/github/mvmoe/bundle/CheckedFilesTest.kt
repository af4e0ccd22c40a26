package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.BundleReplacedException
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import java.nio.file.attribute.FileTime
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull

class CheckedFilesTest {
    @TempDir
    lateinit var folder: File

    private val contents =
        mapOf(
            "onnx/a.onnx" to "first".toByteArray(),
            "onnx/b.onnx" to ByteArray(3_000_000) { it.toByte() },
            "c" to ByteArray(0),
        )
    private val records = contents.map { (path, bytes) -> recordOf(path, bytes) }
    private lateinit var root: File

    @BeforeEach
    fun write() {
        root = folder.resolve("bundle")
        contents.forEach { (path, bytes) -> root.resolve(path).also { it.parentFile.mkdirs() }.writeBytes(bytes) }
    }

    @Test
    fun `files that stay are accepted`() {
        val files = CheckedFiles.verify(root, records)
        repeat(3) { files.require(records) }
    }

    @Test
    fun `a file is read once, and again only where the system says that it is another one`() {
        val read = ArrayList<String>()
        val files =
            CheckedFiles.verify(root, records) { root, record ->
                read += record.path
                CheckedFile.open(root, record)
            }
        assertEquals(records.map { it.path }, read)
        repeat(3) { files.require(records) }
        assertEquals(records.map { it.path }, read)
        replace("onnx/a.onnx", "first")
        repeat(3) { files.require(records) }
        assertEquals(records.map { it.path } + "onnx/a.onnx", read)
    }

    @Test
    fun `a file of the same content in its place is accepted`() {
        val files = CheckedFiles.verify(root, records)
        replace("onnx/a.onnx", "first")
        files.require(records)
        val copy = folder.resolve("copy").also { root.copyRecursively(it) }
        root.deleteRecursively()
        copy.renameTo(root)
        files.require(records)
    }

    @Test
    fun `another content is refused, whatever its size and time`() {
        val files = CheckedFiles.verify(root, records)
        val path = root.resolve("onnx/a.onnx")
        val time = Files.getLastModifiedTime(path.toPath())
        path.writeText("other")
        Files.setLastModifiedTime(path.toPath(), FileTime.from(time.toInstant()))
        val error = assertFailsWith<BundleReplacedException> { files.require(records) }
        assertEquals("onnx/a.onnx", error.fields["file"])
        files.require(records.drop(1))
        assertFailsWith<BundleReplacedException> { files.require(records) }
    }

    @Test
    fun `a file that was replaced, removed or became a link is refused`() {
        for (change in listOf<(File) -> Unit>({ replace("onnx/a.onnx", "third") }, { it.delete() }, ::turnIntoLinkToOther)) {
            write()
            val files = CheckedFiles.verify(root, records)
            change(root.resolve("onnx/a.onnx"))
            assertFailsWith<BundleReplacedException> { files.require(records) }
            root.deleteRecursively()
        }
    }

    @Test
    fun `a folder of another bundle in the place of this one is refused`() {
        val files = CheckedFiles.verify(root, records)
        root.renameTo(folder.resolve("moved"))
        write()
        root.resolve("onnx/b.onnx").writeBytes(ByteArray(3_000_000))
        assertEquals("onnx/b.onnx", assertFailsWith<BundleReplacedException> { files.require(records) }.fields["file"])
    }

    @Test
    fun `the first wrong file is named`() {
        val wrong = records[1].let { FileRecord(it.path, it.bytes, "0".repeat(64)) }
        val error = assertFailsWith<BundleException> { CheckedFiles.verify(root, listOf(records[0], wrong, records[2])) }
        assertEquals("bundle.hash-mismatch onnx/b.onnx", "${error.code.id} ${error.fields["file"]}")
        val short = FileRecord("c", 1L shl 50, records[2].sha256)
        val size = assertFailsWith<BundleException> { CheckedFiles.verify(root, listOf(short)) }
        assertEquals(mapOf("file" to "c", "expected" to (1L shl 50), "found" to 0L), size.fields)
    }

    @Test
    fun `a file that is kept open has the content that was checked`() {
        val files = CheckedFiles.verify(root, records, keep = "onnx/b.onnx")
        replace("onnx/b.onnx", "another file at this path")
        val kept = assertNotNull(files.takeKept())
        assertNull(files.takeKept())
        kept.use {
            val read = ByteArray(contents.getValue("onnx/b.onnx").size)
            it.seek(0)
            it.readFully(read)
            assertContentEquals(contents.getValue("onnx/b.onnx"), read)
        }
    }

    @Test
    fun `identities tell files and contents apart`() {
        val file = root.resolve("onnx/a.onnx")
        val before = assertNotNull(FileIdentity.of(file))
        assertEquals(before, FileIdentity.of(file))
        assertEquals(before.hashCode(), FileIdentity.of(file).hashCode())
        replace("onnx/a.onnx", "first")
        assertNotEquals(before, FileIdentity.of(file))
        assertNull(FileIdentity.of(root.resolve("none")))
    }

    private fun replace(
        path: String,
        text: String,
    ) {
        val new = folder.resolve("new").also { it.writeText(text) }
        Files.move(new.toPath(), root.resolve(path).toPath(), StandardCopyOption.REPLACE_EXISTING)
    }

    /** Even to a file of the same content: a link may lead elsewhere at any time. */
    private fun turnIntoLinkToOther(file: File) {
        val other = folder.resolve("same").also { it.writeText("first") }
        file.delete()
        Files.createSymbolicLink(file.toPath(), other.toPath())
    }
}

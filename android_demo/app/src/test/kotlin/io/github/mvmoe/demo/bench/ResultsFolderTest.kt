package io.github.mvmoe.demo.bench

import java.io.File
import java.nio.file.Files
import java.util.Date
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class ResultsFolderTest {
    private val root = Files.createTempDirectory("results").toFile()
    private val folder = File(root, "results")
    private val results = ResultsFolder(folder)

    @AfterTest
    fun remove() {
        root.deleteRecursively()
    }

    private fun write(name: String): File = File(folder.apply { mkdirs() }, name).apply { writeText("{}\n") }

    @Test
    fun `a new file is named after the time and takes no other one's place`() {
        val now = Date(0)
        assertEquals("mvmoe-19700101-000000.jsonl", results.newFile(now).name)
        write("mvmoe-19700101-000000.jsonl")
        assertEquals("mvmoe-19700101-000000-1.jsonl", results.newFile(now).name)
    }

    @Test
    fun `files are listed with the newest first, and nothing else is`() {
        write("mvmoe-1.jsonl")
        write("mvmoe-2.jsonl")
        write("notes.txt")
        File(folder, "folder.jsonl").mkdir()
        assertEquals(listOf("mvmoe-2.jsonl", "mvmoe-1.jsonl"), results.files().map { it.name })
    }

    @Test
    fun `a name that leads elsewhere finds nothing`() {
        write("a.jsonl")
        File(root, "secret.jsonl").writeText("secret")
        Files.createSymbolicLink(File(folder, "link.jsonl").toPath(), File(root, "secret.jsonl").toPath())
        for (name in listOf(
            "../secret.jsonl",
            "link.jsonl",
            "",
            ".",
            "..",
            "a.jsonl/",
            "/a.jsonl",
            "a.jsonl\u0000",
            ".a.jsonl",
            "b.jsonl",
        )) {
            assertNull(results.find(name), "\"$name\" found a file")
        }
        assertEquals(File(folder, "a.jsonl"), results.find("a.jsonl"))
    }

    @Test
    fun `a folder that is not there holds nothing`() {
        assertEquals(emptyList(), results.files())
        assertNull(results.find("a.jsonl"))
    }
}

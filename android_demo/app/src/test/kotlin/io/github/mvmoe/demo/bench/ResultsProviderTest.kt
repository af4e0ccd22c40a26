package io.github.mvmoe.demo.bench

import android.content.ContentValues
import android.content.Context
import android.net.Uri
import android.provider.OpenableColumns
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import java.io.File
import java.io.FileNotFoundException
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull

@RunWith(RobolectricTestRunner::class)
class ResultsProviderTest {
    private val context: Context get() = RuntimeEnvironment.getApplication()
    private val provider = Robolectric.buildContentProvider(ResultsProvider::class.java).create("io.github.mvmoe.demo.results").get()
    private lateinit var file: File

    @Before
    fun write() {
        file = File(ResultsProvider.folder(context).apply { mkdirs() }, "mvmoe-1.jsonl").apply { writeText("{}\n") }
        File(context.filesDir, "secret.jsonl").writeText("secret")
    }

    private fun uri(path: String): Uri = Uri.parse("content://io.github.mvmoe.demo.results/$path")

    @Test
    fun `a results file is read`() {
        val uri = ResultsProvider.uri(context, file)
        assertEquals(uri("mvmoe-1.jsonl"), uri)
        assertEquals("{}\n", context.contentResolver.openInputStream(uri)!!.use { it.readBytes().decodeToString() })
        provider.query(uri, arrayOf("_id", OpenableColumns.SIZE), null, null, null).use {
            assertEquals(listOf(OpenableColumns.SIZE), it.columnNames.toList())
            it.moveToFirst()
            assertEquals(3, it.getLong(0))
        }
    }

    @Test
    fun `a path that leads elsewhere is refused`() {
        val paths =
            listOf("../secret.jsonl", "..%2Fsecret.jsonl", "results/mvmoe-1.jsonl", "", "mvmoe-2.jsonl", "%2e%2e/secret.jsonl", "%00")
        for (path in paths) {
            assertFailsWith<FileNotFoundException>("\"$path\" was opened") { provider.openFile(uri(path), "r") }
            assertFailsWith<FileNotFoundException>("\"$path\" was told of") { provider.query(uri(path), null, null, null, null) }
        }
    }

    @Test
    fun `nothing is written`() {
        val uri = ResultsProvider.uri(context, file)
        for (mode in listOf("w", "rw", "wt", "wa", "rwt")) assertFailsWith<SecurityException>(mode) { provider.openFile(uri, mode) }
        assertFailsWith<UnsupportedOperationException> { provider.delete(uri, null, null) }
        assertFailsWith<UnsupportedOperationException> { provider.insert(uri, ContentValues()) }
        assertFailsWith<UnsupportedOperationException> { provider.update(uri, ContentValues(), null, null) }
        assertEquals("{}\n", file.readText())
    }

    @Test
    fun `other apps have to be given each file`() {
        val info = assertNotNull(context.packageManager.resolveContentProvider("io.github.mvmoe.demo.results", 0))
        assertEquals(listOf(false, true), listOf(info.exported, info.grantUriPermissions))
    }
}

package io.github.mvmoe.android

import android.content.Context
import android.content.pm.ProviderInfo
import android.database.Cursor
import android.database.MatrixCursor
import android.os.CancellationSignal
import android.os.ParcelFileDescriptor
import android.provider.DocumentsContract
import android.provider.DocumentsContract.Document
import android.provider.DocumentsProvider
import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import java.io.File
import java.io.FileNotFoundException
import kotlin.test.assertEquals

/** A provider whose documents' ids are no paths. */
class FolderProvider : DocumentsProvider() {
    private val files = ArrayList<File>().apply { add(ANSWER_BUNDLE) }

    override fun onCreate() = true

    override fun queryRoots(projection: Array<String>?): Cursor = MatrixCursor(projection.orEmpty())

    override fun queryDocument(
        documentId: String,
        projection: Array<String>?,
    ): Cursor = rows(listOf(file(documentId)))

    override fun queryChildDocuments(
        parentDocumentId: String,
        projection: Array<String>?,
        sortOrder: String?,
    ): Cursor = rows(file(parentDocumentId).listFiles().orEmpty().toList())

    override fun isChildDocument(
        parentDocumentId: String,
        documentId: String,
    ) = true

    override fun openDocument(
        documentId: String,
        mode: String,
        signal: CancellationSignal?,
    ): ParcelFileDescriptor = ParcelFileDescriptor.open(file(documentId), ParcelFileDescriptor.MODE_READ_ONLY)

    private fun file(id: String): File = files.getOrNull(id.removePrefix("number-").toInt()) ?: throw FileNotFoundException(id)

    private fun rows(found: List<File>): Cursor {
        val rows = MatrixCursor(arrayOf(Document.COLUMN_DISPLAY_NAME, Document.COLUMN_DOCUMENT_ID))
        for (file in found) rows.addRow(arrayOf(file.name, "number-${files.size}")).also { files += file }
        return rows
    }
}

@RunWith(RobolectricTestRunner::class)
class DocumentFolderTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val context: Context = RuntimeEnvironment.getApplication()
    private val installer by lazy { BundleInstaller(context, folder.root) }

    private fun provide() {
        val info =
            ProviderInfo().apply {
                authority = AUTHORITY
                exported = true
                grantUriPermissions = true
                readPermission = android.Manifest.permission.MANAGE_DOCUMENTS
                writePermission = android.Manifest.permission.MANAGE_DOCUMENTS
            }
        Robolectric.buildContentProvider(FolderProvider::class.java).create(info)
    }

    @Test
    fun `a bundle in a folder that was picked is installed`() {
        provide()
        val tree = DocumentsContract.buildTreeDocumentUri(AUTHORITY, "number-0")
        val installed = installer.fromTree(tree, "picked")
        assertEquals(filesOf(ANSWER_BUNDLE), filesOf(installed))
        assertEquals(installed, runBlocking { installer.fromTreeAsync(tree, "picked") })
    }

    @Test
    fun `a folder without a bundle, or whose provider fails, is one sentence`() {
        provide()
        val none = DocumentsContract.buildTreeDocumentUri(AUTHORITY, "number-x")
        val error = assertThrows(BundleException::class.java) { installer.fromTree(none, "picked") }
        assertEquals(1, error.message?.lines()?.size)
        val gone = DocumentsContract.buildTreeDocumentUri("nobody", "number-0")
        val missing = assertThrows(BundleException::class.java) { installer.fromTree(gone, "picked") }
        assertEquals(ErrorCode.BUNDLE_MISSING, missing.code)
        assertEquals(
            emptyList(),
            folder.root
                .list()
                .orEmpty()
                .toList(),
        )
    }

    private companion object {
        const val AUTHORITY = "example.folders"
    }
}

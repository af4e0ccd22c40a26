package io.github.mvmoe.demo.testing

import android.content.pm.ProviderInfo
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.CancellationSignal
import android.os.ParcelFileDescriptor
import android.provider.DocumentsContract
import android.provider.DocumentsContract.Document
import android.provider.DocumentsProvider
import org.robolectric.Robolectric
import java.io.File

/** A folder behind the system's picker. A document's id is its path. */
internal class PickedFolder : DocumentsProvider() {
    override fun onCreate() = true

    override fun queryRoots(projection: Array<String>?): Cursor = MatrixCursor(projection.orEmpty())

    override fun queryDocument(
        documentId: String,
        projection: Array<String>?,
    ): Cursor = rows(listOf(File(documentId)))

    override fun queryChildDocuments(
        parentDocumentId: String,
        projection: Array<String>?,
        sortOrder: String?,
    ): Cursor = rows(File(parentDocumentId).listFiles().orEmpty().toList())

    override fun isChildDocument(
        parentDocumentId: String,
        documentId: String,
    ) = true

    override fun openDocument(
        documentId: String,
        mode: String,
        signal: CancellationSignal?,
    ): ParcelFileDescriptor = ParcelFileDescriptor.open(File(documentId), ParcelFileDescriptor.MODE_READ_ONLY)

    private fun rows(files: List<File>): Cursor {
        val rows = MatrixCursor(arrayOf(Document.COLUMN_DISPLAY_NAME, Document.COLUMN_DOCUMENT_ID))
        for (file in files) rows.addRow(arrayOf(file.name, file.path))
        return rows
    }

    companion object {
        private const val AUTHORITY = "example.folders"

        /** What the picker gives for a folder of this machine. */
        fun of(folder: File): Uri {
            val info =
                ProviderInfo().apply {
                    authority = AUTHORITY
                    exported = true
                    grantUriPermissions = true
                    readPermission = android.Manifest.permission.MANAGE_DOCUMENTS
                    writePermission = android.Manifest.permission.MANAGE_DOCUMENTS
                }
            Robolectric.buildContentProvider(PickedFolder::class.java).create(info)
            return DocumentsContract.buildTreeDocumentUri(AUTHORITY, folder.path)
        }
    }
}

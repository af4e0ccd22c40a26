package io.github.mvmoe.android

import android.content.ContentResolver
import android.content.res.AssetManager
import android.net.Uri
import android.provider.DocumentsContract
import android.provider.DocumentsContract.Document
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

/** A folder with a bundle that no engine can read in place; it says itself what it is, for messages. */
internal interface BundleSource {
    /** A file's bytes; null where there is no such file. */
    fun open(path: String): InputStream?
}

internal class AssetFolder(
    private val assets: AssetManager,
    private val folder: String,
) : BundleSource {
    override fun open(path: String): InputStream? =
        try {
            assets.open(if (folder.isEmpty()) path else "$folder/$path", AssetManager.ACCESS_STREAMING)
        } catch (missing: FileNotFoundException) {
            null
        }

    override fun toString(): String = "the bundle ${folder.ifEmpty { "." }} of the assets"
}

/** A folder behind Android's picker: its documents have ids, of which only their provider makes sense, so folders are listed. */
internal class DocumentFolder(
    private val resolver: ContentResolver,
    private val tree: Uri,
) : BundleSource {
    /** By a folder's id, the ids of what is in it, by name. */
    private val children = HashMap<String, Map<String, String>>()

    override fun open(path: String): InputStream? =
        try {
            val root: String? = DocumentsContract.getTreeDocumentId(tree)
            val id = path.split('/').fold(root) { parent, name -> parent?.let { childrenOf(it)[name] } }
            id?.let { resolver.openInputStream(DocumentsContract.buildDocumentUriUsingTree(tree, it)) }
        } catch (missing: FileNotFoundException) {
            null
        } catch (refused: RuntimeException) {
            // SecurityException, and whatever a provider of another application throws.
            throw IOException(refused.message ?: "its provider refuses", refused)
        }

    private fun childrenOf(folder: String): Map<String, String> = children.getOrPut(folder) { list(folder) }

    private fun list(folder: String): Map<String, String> {
        val uri = DocumentsContract.buildChildDocumentsUriUsingTree(tree, folder)
        val columns = arrayOf(Document.COLUMN_DISPLAY_NAME, Document.COLUMN_DOCUMENT_ID)
        val found = HashMap<String, String>()
        resolver.query(uri, columns, null, null)?.use { rows ->
            while (rows.moveToNext()) found[rows.getString(0)] = rows.getString(1)
        }
        return found
    }

    override fun toString(): String = "the bundle in $tree"
}

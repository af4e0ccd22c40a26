package io.github.mvmoe.demo.bench

import android.content.ClipData
import android.content.ContentProvider
import android.content.ContentResolver
import android.content.ContentValues
import android.content.Context
import android.content.Intent
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/**
 * Lets another app read results files of this one, each by a permission that is granted with an intent.
 *
 * Only results files can be read (see [ResultsFolder.find]), and none can be written.
 */
internal class ResultsProvider : ContentProvider() {
    private val results by lazy { ResultsFolder(folder(checkNotNull(context))) }

    override fun onCreate(): Boolean = true

    override fun getType(uri: Uri): String = TYPE

    override fun openFile(
        uri: Uri,
        mode: String,
    ): ParcelFileDescriptor {
        if (mode != "r") throw SecurityException("$uri was opened with the mode \"$mode\"; results can only be read")
        return ParcelFileDescriptor.open(find(uri), ParcelFileDescriptor.MODE_READ_ONLY)
    }

    /** Name and size, which is what an app asks for that receives a file. */
    override fun query(
        uri: Uri,
        projection: Array<out String>?,
        selection: String?,
        selectionArgs: Array<out String>?,
        sortOrder: String?,
    ): Cursor {
        val file = find(uri)
        val known = mapOf<String, Any>(OpenableColumns.DISPLAY_NAME to file.name, OpenableColumns.SIZE to file.length())
        val columns = projection?.filter(known::containsKey) ?: known.keys
        return MatrixCursor(columns.toTypedArray(), 1).apply { addRow(columns.map(known::getValue)) }
    }

    override fun insert(
        uri: Uri,
        values: ContentValues?,
    ): Uri = refuse()

    override fun update(
        uri: Uri,
        values: ContentValues?,
        selection: String?,
        selectionArgs: Array<out String>?,
    ): Int = refuse()

    override fun delete(
        uri: Uri,
        selection: String?,
        selectionArgs: Array<out String>?,
    ): Int = refuse()

    private fun find(uri: Uri): File =
        uri.pathSegments
            .singleOrNull()
            ?.let(results::find)
            ?: throw FileNotFoundException("$uri is no results file of this app; expected content://AUTHORITY/NAME.jsonl of a finished run")

    private fun refuse(): Nothing = throw UnsupportedOperationException("results can only be read")

    companion object {
        /** Lines of JSON, as text: most apps that send files take no other kind of them. */
        private const val TYPE = "text/plain"

        /** Where an app's results files are. */
        fun folder(context: Context): File = File(context.filesDir, "results")

        /** The address of a results file. */
        fun uri(
            context: Context,
            file: File,
        ): Uri =
            Uri
                .Builder()
                .scheme(ContentResolver.SCHEME_CONTENT)
                .authority("${context.packageName}.results")
                .appendPath(file.name)
                .build()

        /** What hands a results file to another app, which the user picks. */
        fun share(
            context: Context,
            file: File,
        ): Intent {
            val uri = uri(context, file)
            return Intent(Intent.ACTION_SEND)
                .setType(TYPE)
                .putExtra(Intent.EXTRA_STREAM, uri)
                .putExtra(Intent.EXTRA_SUBJECT, file.name)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
                // A chooser passes the permission on for what is in the clip.
                .apply { clipData = ClipData.newRawUri(file.name, uri) }
        }
    }
}

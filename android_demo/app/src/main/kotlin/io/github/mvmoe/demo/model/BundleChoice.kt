package io.github.mvmoe.demo.model

import android.content.Context
import java.io.File

/** Remembers which installed bundle the user has picked, until the next time that the app is started. */
internal class BundleChoice(
    context: Context,
    private val directory: File,
) {
    private val preferences = context.getSharedPreferences("bundle", Context.MODE_PRIVATE)

    /** The folder of the picked bundle; null for the app's own. */
    val picked: File?
        get() = preferences.getString(KEY, null)?.let { File(directory, it) }?.takeIf(File::isDirectory)

    /** A name under which a bundle can be installed while the picked one is open: it may turn out to be no bundle that runs. */
    fun freePlace(): String = PLACES.first { it != picked?.parentFile?.name }

    /** A bundle that is open. */
    fun remember(folder: File) {
        val place = folder.parentFile?.name
        val path = if (place in PLACES) folder.relativeTo(directory).path else null
        preferences.edit().putString(KEY, path).apply()
    }

    private companion object {
        const val KEY = "picked"
        val PLACES = listOf("picked-1", "picked-2")
    }
}

package io.github.mvmoe.demo.screens.trying

import android.app.Activity
import android.content.Intent
import android.os.Build
import android.provider.MediaStore
import io.github.mvmoe.demo.screens.tryToStart

/** The system's picker of photos, which needs no permission; before Android 13, whatever gives an app a picture. */
internal object PhotoPicker {
    /** Whether the phone has one. */
    fun open(
        activity: Activity,
        request: Int,
    ): Boolean = intents().any { activity.tryToStart(it, request) }

    private fun intents(): List<Intent> {
        val any = Intent(Intent.ACTION_GET_CONTENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU) return listOf(any)
        return listOf(Intent(MediaStore.ACTION_PICK_IMAGES).setType("image/*"), any)
    }
}

package io.github.mvmoe.demo.screens.model

import android.app.Activity
import android.content.Intent
import io.github.mvmoe.demo.screens.Requests
import io.github.mvmoe.demo.screens.tryToStart

/** The system's picker of folders. */
internal object BundlePicker {
    /** Whether the phone has one. */
    fun open(activity: Activity): Boolean = activity.tryToStart(Intent(Intent.ACTION_OPEN_DOCUMENT_TREE), Requests.BUNDLE)
}

package io.github.mvmoe.demo.screens

import android.content.Intent
import android.os.Bundle
import android.view.View

/**
 * What one tab shows. The activity makes it when its tab is opened, and forgets it with its views when another one is, or when the
 * phone is rotated: what has to outlive that is kept in [ScreenHost.retained].
 */
interface Screen {
    val view: View

    /** It can be seen from now on. */
    fun start(): Unit = Unit

    /** It cannot be seen any more: frames of a camera and charts stop. */
    fun stop(): Unit = Unit

    /** Writes what has to outlive the process. */
    fun save(state: Bundle): Unit = Unit

    /** What an activity gave that the screen has started by `startActivityForResult`; null where the user has turned back. */
    fun onResult(
        request: Int,
        data: Intent?,
    ): Unit = Unit

    /** What the user has said to `requestPermissions`. */
    fun onPermission(
        request: Int,
        isGranted: Boolean,
    ): Unit = Unit
}

package io.github.mvmoe.demo.screens

import android.app.Activity
import io.github.mvmoe.demo.model.ModelStore
import io.github.mvmoe.demo.state.Retained
import kotlinx.coroutines.CoroutineScope

/** What a screen is in. */
interface ScreenHost {
    val activity: Activity

    /** Ends with the activity; work that goes on when the phone is rotated belongs to [retained]. */
    val scope: CoroutineScope

    /** The open model, which all screens share. */
    val models: ModelStore

    /** What outlives a rotation. */
    val retained: Retained
}

package io.github.mvmoe.demo.screens

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.TextView

internal fun View.showIf(isShown: Boolean) {
    visibility = if (isShown) View.VISIBLE else View.GONE
}

/** Shows a text, or takes no room where there is none. */
internal fun TextView.showSentence(sentence: String?) {
    // Not again: TalkBack would say it twice.
    if (sentence != null && sentence != text.toString()) text = sentence
    showIf(sentence != null)
}

/** The rows of a list, made of a layout: as many as are needed. Those that are there already are used again. */
internal fun ViewGroup.rows(
    count: Int,
    layout: Int,
): List<View> {
    while (childCount > count) removeViewAt(childCount - 1)
    while (childCount < count) View.inflate(context, layout, this)
    return List(count, ::getChildAt)
}

/** Starts what the system has for an intent; whether it has anything. */
internal fun Activity.tryToStart(
    intent: Intent,
    request: Int,
): Boolean =
    try {
        @Suppress("DEPRECATION") // In favour of a class of androidx.
        startActivityForResult(intent, request)
        true
    } catch (missing: ActivityNotFoundException) {
        false
    }

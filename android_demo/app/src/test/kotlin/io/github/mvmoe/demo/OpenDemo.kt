package io.github.mvmoe.demo

import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import android.os.Looper
import android.os.SystemClock
import android.view.MotionEvent
import android.view.View
import android.view.ViewGroup
import android.widget.ScrollView
import android.widget.TextView
import io.github.mvmoe.demo.answering.Drawing
import io.github.mvmoe.demo.answering.Trial
import io.github.mvmoe.demo.testing.await
import io.github.mvmoe.demo.testing.screenshot
import org.robolectric.Robolectric
import org.robolectric.Shadows
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowPopupMenu
import java.io.Closeable

/** The real activity, used as a finger and an eye do. */
class OpenDemo(
    state: Bundle? = null,
) : Closeable {
    private val controller: ActivityController<MainActivity> =
        Robolectric.buildActivity(MainActivity::class.java).apply { if (state == null) setup() else setup(state) }

    val activity: MainActivity get() = controller.get()

    fun <T : View> view(id: Int): T = checkNotNull(activity.findViewById(id))

    /** A text that can be seen; null where it cannot. */
    fun text(id: Int): String? = view<TextView>(id).takeIf { it.isShown }?.text?.toString()

    fun children(id: Int): List<View> = view<ViewGroup>(id).let { group -> List(group.childCount, group::getChildAt) }

    /** Lets the app work until something is so. */
    fun until(
        what: String,
        isSo: () -> Boolean,
    ): Unit = await(what, isSo = isSo)

    fun untilOpen(): Unit = until("the model is open") { activity.models.state.value.model != null }

    fun untilAnswered(): Unit = until("there is an answer") { !text(R.id.answer).isNullOrEmpty() && view<View>(R.id.details).isShown }

    /** What the screen shows, as data. */
    val trial: Trial get() = activity.retained.get { error("the first tab was not opened") }

    /** Whether the open model gives an output of that name. */
    fun hasOutput(name: String): Boolean =
        activity.models.state.value.model
            ?.routed
            ?.bundle
            ?.manifest
            ?.outputs
            .orEmpty()
            .any { it.name == name }

    /** How many routers the open model has. */
    fun routers(): Int =
        activity.models.state.value.model
            ?.routed
            ?.bundle
            ?.manifest
            ?.rules
            ?.size ?: 0

    /** Takes a line of the menu of bundles. */
    fun chooseBundle(title: Int) {
        click(R.id.bundle)
        ShadowPopupMenu.getLatestPopupMenu().menu.performIdentifierAction(title, 0)
        Shadows.shadowOf(Looper.getMainLooper()).idle()
    }

    /** Gives what the system's picker would, which the app has to have opened; null where the user turns back. */
    fun answerPicker(
        action: String,
        picked: Uri?,
    ) {
        val started = checkNotNull(Shadows.shadowOf(activity).nextStartedActivity) { "no picker was opened" }
        check(started.action == action) { "$started was opened, and no $action" }
        val result = if (picked == null) Activity.RESULT_CANCELED else Activity.RESULT_OK
        Shadows.shadowOf(activity).receiveResult(started, result, picked?.let { Intent().setData(it) })
        Shadows.shadowOf(Looper.getMainLooper()).idle()
    }

    /** Says what the user says to the system's question, which the app has to have asked. */
    fun answerPermission(
        permission: String,
        isGranted: Boolean,
    ) {
        val asked = checkNotNull(Shadows.shadowOf(activity).lastRequestedPermission) { "nothing was asked" }
        check(asked.requestedPermissions.toList() == listOf(permission)) { "it asked for ${asked.requestedPermissions.toList()}" }
        val application = Shadows.shadowOf(activity.application)
        if (isGranted) application.grantPermissions(permission) else application.denyPermissions(permission)
        val result = if (isGranted) PackageManager.PERMISSION_GRANTED else PackageManager.PERMISSION_DENIED
        activity.onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(result))
        Shadows.shadowOf(Looper.getMainLooper()).idle()
    }

    fun click(id: Int) {
        view<View>(id).performClick()
        Shadows.shadowOf(Looper.getMainLooper()).idle()
    }

    /** Moves a finger over the canvas. */
    fun draw(drawing: Drawing) {
        for (stroke in drawing.strokes) {
            stroke.forEachIndexed { index, point ->
                touch(if (index == 0) MotionEvent.ACTION_DOWN else MotionEvent.ACTION_MOVE, point.x, point.y)
            }
            touch(MotionEvent.ACTION_UP, stroke.last().x, stroke.last().y)
        }
        Shadows.shadowOf(Looper.getMainLooper()).idle()
    }

    private fun touch(
        action: Int,
        x: Float,
        y: Float,
    ) {
        val canvas = view<View>(R.id.canvas)
        val place = IntArray(2).also(canvas::getLocationInWindow)
        val now = SystemClock.uptimeMillis()
        val event = MotionEvent.obtain(now, now, action, place[0] + x * canvas.width, place[1] + y * canvas.height, 0)
        activity.dispatchTouchEvent(event)
        event.recycle()
    }

    /** The phone is turned: the activity is made anew. */
    fun recreate() {
        controller.recreate()
        Shadows.shadowOf(Looper.getMainLooper()).idle()
    }

    fun background() {
        controller.pause().stop()
    }

    fun foreground() {
        controller.start().resume()
        Shadows.shadowOf(Looper.getMainLooper()).idle()
    }

    /** The state that the system keeps of an activity whose process it ends. */
    fun end(): Bundle =
        Bundle().also {
            controller
                .pause()
                .stop()
                .saveInstanceState(it)
                .destroy()
        }

    /** Writes what is seen to `target/screenshots`, and beside it all that scrolling would bring. */
    fun screenshot(name: String) {
        screenshot(activity, name)
        val scroll = view<ScrollView>(R.id.scroll)
        if (scroll.getChildAt(0).height > scroll.height) screenshot(scroll.getChildAt(0), "$name-all")
    }

    override fun close(): Unit = controller.close()
}

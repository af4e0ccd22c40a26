package io.github.mvmoe.demo.testing

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Canvas
import android.os.Looper
import android.view.View
import io.github.mvmoe.demo.R
import org.junit.Assume.assumeTrue
import org.robolectric.Shadows.shadowOf
import java.io.File

/** Lets the app work until something is so; fails after a while. */
internal fun await(
    what: String,
    seconds: Int = 30,
    isSo: () -> Boolean,
) {
    val end = System.nanoTime() + seconds * 1_000_000_000L
    while (true) {
        shadowOf(Looper.getMainLooper()).idle()
        if (isSo()) return
        check(System.nanoTime() < end) { "after $seconds seconds it is not so that $what" }
        Thread.sleep(10)
    }
}

/** The demo's bundle in the app's assets; a test that needs it is skipped where it was not made. */
internal fun requireDemoBundle(): File {
    val folder = File(System.getProperty("demo.assets"), "digits.mvmoe")
    assumeTrue("$folder is missing: make demo leaves the demo's bundle there", folder.isDirectory)
    return folder
}

/** Keeps what an activity shows as `target/screenshots/NAME.png`, for people to look at. */
internal fun screenshot(
    activity: Activity,
    name: String,
) {
    shadowOf(Looper.getMainLooper()).idle()
    screenshot(activity.window.decorView, name)
}

/** The same of a view, which may be larger than the screen. */
internal fun screenshot(
    view: View,
    name: String,
) {
    val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
    val canvas = Canvas(bitmap)
    canvas.drawColor(view.context.getColor(R.color.background))
    view.draw(canvas)
    val file = File(System.getProperty("demo.screenshots"), "$name.png")
    file.parentFile?.mkdirs()
    file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
}

/** The view of that id, which has to be there. */
internal inline fun <reified V : View> Activity.view(id: Int): V = checkNotNull(findViewById<View>(id)) { "no view has the id $id" } as V

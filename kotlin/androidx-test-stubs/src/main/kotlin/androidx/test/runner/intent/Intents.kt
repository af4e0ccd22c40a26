package androidx.test.runner.intent

import android.app.Instrumentation
import android.content.Intent

/** Would be told of every intent; no test asks. */
interface IntentMonitor

object IntentMonitorRegistry {
    @JvmStatic
    fun registerInstance(monitor: IntentMonitor): Unit = Unit
}

/** Would answer intents in place of an activity. */
interface IntentStubber {
    fun getActivityResultForIntent(intent: Intent): Instrumentation.ActivityResult?
}

/** There is no stubber, and Robolectric asks for it only where there is one. */
object IntentStubberRegistry {
    @JvmStatic
    fun isLoaded(): Boolean = false

    @JvmStatic
    fun getInstance(): IntentStubber = error("no stubber of intents is loaded")
}

package io.github.mvmoe.android

import android.content.ComponentCallbacks2
import android.content.Context
import android.content.res.Configuration
import io.github.mvmoe.Dispatcher
import java.io.Closeable
import java.lang.ref.WeakReference

/**
 * Releases experts when the system asks for memory.
 *
 * It does so from `TRIM_MEMORY_RUNNING_LOW` on, `TRIM_MEMORY_UI_HIDDEN` included: since Android 14 the system says no more than
 * that and `TRIM_MEMORY_BACKGROUND`. Calls in flight go on, what is pinned stays, and what is released is loaded again when an
 * image needs it.
 */
public object MemoryPressure {
    /**
     * Lets the system's requests reach a dispatcher until what it gives is closed, or the dispatcher is gone.
     *
     * A closed dispatcher may be left in place: it has nothing to release, and is not kept from the garbage collector.
     */
    @JvmStatic
    public fun watch(
        context: Context,
        dispatcher: Dispatcher,
    ): Closeable {
        val application = context.applicationContext
        val callbacks = TrimCallbacks(WeakReference(dispatcher), application::unregisterComponentCallbacks)
        application.registerComponentCallbacks(callbacks)
        return Closeable { application.unregisterComponentCallbacks(callbacks) }
    }
}

/** What the system calls, on the main thread. */
internal class TrimCallbacks(
    private val dispatcher: WeakReference<Dispatcher>,
    private val unregister: (TrimCallbacks) -> Unit,
) : ComponentCallbacks2 {
    override fun onTrimMemory(level: Int) {
        if (level >= ComponentCallbacks2.TRIM_MEMORY_RUNNING_LOW) trim()
    }

    @Deprecated("The system calls it still.")
    override fun onLowMemory(): Unit = trim()

    override fun onConfigurationChanged(configuration: Configuration): Unit = Unit

    private fun trim() {
        dispatcher.get()?.trim() ?: unregister(this)
    }
}

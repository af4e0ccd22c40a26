package io.github.mvmoe.android

import android.content.Context
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.OpenOptions
import io.github.mvmoe.Residency
import io.github.mvmoe.engine.Engine
import java.io.File

/**
 * Opens dispatchers as an Android application wants them.
 *
 * ONNX Runtime's telemetry is switched off before the engine starts ([Telemetry]), and experts that are not pinned are released
 * when the system asks for memory ([MemoryPressure]).
 */
public object AndroidDispatchers {
    /**
     * As `Dispatcher.open`; it blocks, so that it is no work for the main thread.
     *
     * @param context any context of the application.
     */
    @JvmStatic
    @JvmOverloads
    @Throws(InterruptedException::class)
    public fun open(
        context: Context,
        bundle: File,
        engine: Engine,
        residency: Residency = Residency(),
        options: OpenOptions = OpenOptions(),
    ): Dispatcher {
        Telemetry.disable()
        return Dispatcher.open(bundle, engine, residency, options).also { MemoryPressure.watch(context, it) }
    }

    /** As [open], suspending; nothing stays open where it is cancelled. */
    public suspend fun openAsync(
        context: Context,
        bundle: File,
        engine: Engine,
        residency: Residency = Residency(),
        options: OpenOptions = OpenOptions(),
    ): Dispatcher {
        Telemetry.disable()
        return Dispatcher.openAsync(bundle, engine, residency, options).also { MemoryPressure.watch(context, it) }
    }
}

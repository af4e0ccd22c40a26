package io.github.mvmoe.android

import android.app.Application
import android.content.ComponentCallbacks2
import android.content.res.Configuration
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.Pin
import io.github.mvmoe.Residency
import io.github.mvmoe.onnx.OnnxEngine
import org.junit.After
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import java.lang.ref.WeakReference
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.test.assertEquals

/** The system's requests for memory, at a dispatcher over ONNX Runtime. */
@RunWith(RobolectricTestRunner::class)
class MemoryPressureTest {
    private val application: Application = RuntimeEnvironment.getApplication()
    private val engine = OnnxEngine(threads = 1)
    private val dispatcher =
        AndroidDispatchers.open(application, ANSWER_BUNDLE, engine, Residency(pin = listOf(Pin.expert(1))))

    @After
    fun close() {
        dispatcher.close()
        assertEquals(0, engine.sessionCount)
    }

    private fun trim(level: Int) = application.onTrimMemory(level)

    @Test
    fun `what is not pinned is released from RUNNING_LOW on`() {
        val levels =
            mapOf(
                ComponentCallbacks2.TRIM_MEMORY_RUNNING_MODERATE to false,
                ComponentCallbacks2.TRIM_MEMORY_RUNNING_LOW to true,
                ComponentCallbacks2.TRIM_MEMORY_RUNNING_CRITICAL to true,
                ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN to true,
                ComponentCallbacks2.TRIM_MEMORY_BACKGROUND to true,
                ComponentCallbacks2.TRIM_MEMORY_COMPLETE to true,
            )
        for ((level, isReleased) in levels) {
            dispatcher.prewarm()
            assertEquals(3, dispatcher.resident.size)
            trim(level)
            assertEquals(
                if (isReleased) listOf("step1_e1") else 3,
                if (isReleased) dispatcher.resident else dispatcher.resident.size,
                "$level",
            )
            dispatcher.check().requireOk()
        }
    }

    @Test
    fun `low memory is the same request, and another configuration none`() {
        dispatcher.prewarm()
        application.onConfigurationChanged(Configuration())
        assertEquals(3, dispatcher.resident.size)
        @Suppress("DEPRECATION")
        application.onLowMemory()
        assertEquals(listOf("step1_e1"), dispatcher.resident)
    }

    @Test
    fun `a request in the middle of predictions takes nothing from them`() {
        val failures = ConcurrentLinkedQueue<Throwable>()
        val checks = AtomicInteger()
        val calls =
            List(2) {
                thread {
                    runCatching {
                        repeat(
                            20,
                        ) { dispatcher.check().requireOk().also { checks.incrementAndGet() } }
                    }.onFailure(failures::add)
                }
            }
        while (calls.any(Thread::isAlive)) trim(ComponentCallbacks2.TRIM_MEMORY_COMPLETE)
        assertEquals(emptyList(), failures.toList())
        assertEquals(40, checks.get())
    }

    @Test
    fun `a closed dispatcher has nothing to release`() {
        dispatcher.close()
        trim(ComponentCallbacks2.TRIM_MEMORY_COMPLETE)
    }

    @Test
    fun `what was given up is not asked any more`() {
        Dispatcher.open(ANSWER_BUNDLE, engine).use { other ->
            val watched = MemoryPressure.watch(application, other)
            other.prewarm()
            watched.close()
            watched.close()
            trim(ComponentCallbacks2.TRIM_MEMORY_COMPLETE)
            assertEquals(3, other.resident.size)
        }
    }

    @Test
    fun `callbacks of a dispatcher that is gone unregister themselves`() {
        var unregistered = 0
        val callbacks = TrimCallbacks(WeakReference<Dispatcher>(null)) { unregistered++ }
        callbacks.onTrimMemory(ComponentCallbacks2.TRIM_MEMORY_RUNNING_MODERATE)
        assertEquals(0, unregistered)
        callbacks.onTrimMemory(ComponentCallbacks2.TRIM_MEMORY_BACKGROUND)
        assertEquals(1, unregistered)
    }
}

package io.github.mvmoe.demo.bench

import android.content.Context
import android.os.Process
import android.os.SystemClock
import io.github.mvmoe.bench.OrderFolder
import io.github.mvmoe.bench.ProcessTimes
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException

/**
 * What `mvmoe bench` asks this app for.
 *
 * @property name the folder that the answer goes to: `files/bench/NAME`.
 * @property order the path of the order; null where the phone is only to be described.
 */
internal class OrderRequest(
    val name: String,
    val order: String?,
) {
    companion object {
        private val NAME = Regex("""[A-Za-z0-9][A-Za-z0-9._-]{0,63}""")

        /** Whether a folder may be called so: it comes from a command line. */
        fun isName(name: String?): Boolean = name != null && NAME.matches(name)
    }
}

/** How far the app is with an order. */
internal enum class OrderProgress { NONE, RUNNING, DONE, FAILED, REFUSED }

/**
 * Follows orders, one at a time. It belongs to the process, so that the order goes on when the phone is turned.
 *
 * All that goes wrong is in the folder's `state.json`, which is what the program at the other end reads.
 */
internal class OrderFollower(
    context: Context,
    private val scope: CoroutineScope,
) {
    private val context = context.applicationContext
    private val machine by lazy { AndroidMachine(this.context) }
    private val engines by lazy { AndroidEngines() }
    private val states = MutableStateFlow(OrderProgress.NONE)
    private var running: Job? = null

    val progress: StateFlow<OrderProgress> = states.asStateFlow()

    /** Begins to do what is asked; refused while an order is followed. Called on the main thread. */
    fun begin(request: OrderRequest) {
        if (running?.isActive == true) {
            states.value = OrderProgress.REFUSED
            return
        }
        states.value = OrderProgress.RUNNING
        val startNs = SystemClock.elapsedRealtimeNanos() - NS_IN_MS * Process.getStartElapsedRealtime()
        running =
            scope.launch {
                val isDone = withContext(Dispatchers.IO) { follow(request, startNs) }
                states.value = if (isDone) OrderProgress.DONE else OrderProgress.FAILED
            }
    }

    private fun follow(
        request: OrderRequest,
        startNs: Long,
    ): Boolean {
        val folder = OrderFolder(File(folder(context), request.name), machine, engines)
        val times = ProcessTimes(startNs, engineNs = loadEngine())
        return try {
            folder.describe(describePhone(context, engines))
            request.order == null || folder.follow(File(request.order), times)
        } catch (_: IOException) {
            false // Its own folder takes nothing: there is nowhere to say why.
        }
    }

    /** Brings in the engine's library, as an app's first use of it does; gives the nanoseconds that took. */
    private fun loadEngine(): Long {
        val start = System.nanoTime()
        engines.onnxRuntimeVersion
        return System.nanoTime() - start
    }

    companion object {
        private const val NS_IN_MS = 1_000_000L

        /** Where orders are followed, a folder each. */
        fun folder(context: Context): File = File(context.filesDir, "bench")
    }
}

package io.github.mvmoe.demo.experts

import io.github.mvmoe.LoadState

/** What happened to a graph. */
internal enum class LoadChange {
    /** It came into memory. */
    LOADED,

    /** It left memory: it was evicted, or released. */
    RELEASED,

    /** Its load failed. */
    FAILED,
}

/**
 * One thing that happened.
 *
 * @property atMs when, in milliseconds since 1970.
 * @property graph its name in the manifest.
 * @property tookNs how long the load took; null where nothing was loaded.
 */
internal class LoadEvent(
    val atMs: Long,
    val graph: String,
    val change: LoadChange,
    val tookNs: Long?,
)

/**
 * What came into memory and left it, as far as load states say it that are seen one after the other.
 *
 * A load is timed from the state `LOADING` to the one after it: whoever calls [see] has to do so on the thread that changes the
 * states, at once.
 *
 * @param most how many events are kept; older ones are forgotten.
 * @param nowMs the time of day.
 * @param nowNs a clock that runs evenly.
 */
internal class LoadLog(
    private val most: Int = 50,
    private val nowMs: () -> Long = System::currentTimeMillis,
    private val nowNs: () -> Long = System::nanoTime,
) {
    private var known: Map<String, LoadState>? = null
    private val begun = HashMap<String, Long>()
    private val took = HashMap<String, Long>()
    private val kept = ArrayDeque<LoadEvent>()

    /** The newest first. */
    val events: List<LoadEvent>
        @Synchronized get() = kept.toList()

    /** How long the last load of each graph took, of those that were loaded since the log began. */
    val lastLoadNs: Map<String, Long>
        @Synchronized get() = took.toMap()

    /** Takes the states as they are now; the first ones are where the log begins. */
    @Synchronized
    fun see(states: Map<String, LoadState>) {
        val before = known
        known = states
        if (before == null) return
        for ((graph, state) in states) {
            val last = before[graph]
            if (state != last) change(graph, last, state)
        }
    }

    private fun change(
        graph: String,
        last: LoadState?,
        state: LoadState,
    ) {
        when (state) {
            LoadState.LOADING -> {
                begun[graph] = nowNs()
            }

            LoadState.READY -> {
                add(graph, LoadChange.LOADED, begun.remove(graph)?.let { nowNs() - it })
            }

            LoadState.FAILED -> {
                add(graph, LoadChange.FAILED, null)
            }

            LoadState.UNLOADED -> {
                if (last == LoadState.READY) add(graph, LoadChange.RELEASED, null)
            }

            LoadState.MAPPED -> {} // It is mapped from the beginning.
        }
    }

    private fun add(
        graph: String,
        change: LoadChange,
        tookNs: Long?,
    ) {
        if (tookNs != null) took[graph] = tookNs
        kept.addFirst(LoadEvent(nowMs(), graph, change, tookNs))
        if (kept.size > most) kept.removeLast()
    }
}

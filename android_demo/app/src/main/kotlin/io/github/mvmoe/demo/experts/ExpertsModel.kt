package io.github.mvmoe.demo.experts

import io.github.mvmoe.Dispatcher
import io.github.mvmoe.LoadState
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.Residency
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.runInterruptible
import java.io.Closeable

/**
 * An expert as it is at a moment.
 *
 * @property lastLoadNs how long its last load took; null where it was not loaded since the bundle was opened.
 */
internal class ExpertRow(
    val expert: Expert,
    val state: LoadState,
    val isPinned: Boolean,
    val lastLoadNs: Long?,
) {
    val isInMemory: Boolean get() = state == LoadState.READY
}

/**
 * All that the screen shows of a dispatcher at a moment.
 *
 * @property notes what the dispatcher says of its limits.
 * @property error why the last change was refused; null where it was not.
 */
internal class ExpertsSnapshot(
    val memory: ExpertMemory,
    val rows: List<ExpertRow>,
    val residency: Residency,
    val events: List<LoadEvent>,
    val notes: List<String>,
    val error: String?,
) {
    val inMemory: Int get() = rows.count { it.isInMemory }
    val bytesInMemory: Long get() = rows.filter { it.isInMemory }.sumOf { it.expert.bytes }
    val bytes: Long get() = rows.sumOf { it.expert.bytes }
}

/**
 * What is in a dispatcher's memory, and the controls that change it.
 *
 * It belongs to the process, not to a screen: its log begins when the bundle is opened, and goes on when the device is turned.
 *
 * Closing it ends its work, and leaves the dispatcher open.
 */
internal class ExpertsModel(
    private val dispatcher: Dispatcher,
    private val log: LoadLog = LoadLog(),
) : Closeable {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.IO)

    val experts: List<Expert> = expertsOf(dispatcher.bundle.manifest, dispatcher.target)
    val expertLimits: BudgetScale<Int> = BudgetScale.ofExperts(experts)
    val byteLimits: BudgetScale<Long> = BudgetScale.ofBytes(experts)

    /** The name of the target, the engine that runs it, and its strategy. */
    val target: String get() = dispatcher.target.name
    val engine: String get() = dispatcher.engine
    val strategy: String get() = dispatcher.target.strategy

    private val memory = memoryOf(dispatcher.target)
    private val changes = Channel<Residency>(Channel.UNLIMITED)
    private var wanted = dispatcher.residency

    @Volatile
    private var error: String? = null
    private val states = MutableStateFlow(look(dispatcher.loadStates.value))

    /** As it is now, and after each change. */
    val snapshots: StateFlow<ExpertsSnapshot> = states.asStateFlow()

    init {
        // On the thread that loads, so that a load's time is its own.
        scope.launch(Dispatchers.Unconfined) {
            dispatcher.loadStates.collect {
                log.see(it)
                publish()
            }
        }
        // Evicting frees an engine's memory, which is no work for the main thread; one after the other, so that the last change wins.
        scope.launch {
            for (change in changes) apply(change)
        }
    }

    /** Keeps an expert in memory once an image has needed it, or no longer. */
    fun pin(
        expert: Expert,
        isPinned: Boolean,
    ): Unit = change { it.withPin(expert.pin, isPinned) }

    /** The most experts of a stage in memory; null for no limit. */
    fun limitExperts(most: Int?): Unit = change { it.withMaxExperts(most) }

    /** The most bytes of weights in memory; null for no limit. */
    fun limitBytes(most: Long?): Unit = change { it.withMaxBytes(most) }

    /** Loads what is pinned, then what is used most, as far as the limits let it. */
    fun load(): Unit = run { dispatcher.prewarm() }

    /** Releases what is not pinned, as the system does when it lacks memory. */
    fun release(): Unit = run { dispatcher.trim() }

    override fun close(): Unit = scope.cancel()

    private fun run(work: () -> Unit) {
        scope.launch { runInterruptible { attempt(work) } }
    }

    @Synchronized
    private fun change(what: (Residency) -> Residency) {
        wanted = what(wanted)
        changes.trySend(wanted)
    }

    private fun apply(residency: Residency) {
        attempt { dispatcher.residency = residency }
        if (error != null) synchronized(this) { wanted = dispatcher.residency }
        publish()
    }

    private fun attempt(work: () -> Unit) {
        error =
            try {
                work()
                null
            } catch (failure: MvmoeException) {
                failure.message
            }
        publish()
    }

    @Synchronized
    private fun publish() {
        states.value = look(dispatcher.loadStates.value)
    }

    private fun look(loads: Map<String, LoadState>): ExpertsSnapshot {
        val residency = dispatcher.residency
        val took = log.lastLoadNs
        val rows =
            experts.map { expert ->
                val state = if (memory == ExpertMemory.MAPPED) LoadState.MAPPED else loads[expert.key] ?: LoadState.UNLOADED
                ExpertRow(expert, state, expert.pin in residency.pin, took[expert.key])
            }
        return ExpertsSnapshot(memory, rows, residency, log.events, dispatcher.notes, error)
    }
}

package io.github.mvmoe.runtime

import io.github.mvmoe.MvmoeException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.File
import java.nio.file.Files
import java.util.concurrent.CancellationException
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.coroutines.Continuation
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.startCoroutine

/** A dispatcher over a scripted engine. Its functions may suspend or block; errors are MvmoeExceptions. */
internal interface ScriptedReader {
    /** The answer for an image that takes these graphs, one for each routed stage. */
    suspend fun ask(graphs: List<String>): List<Long>

    /** The answers for several images at once, null for an image without one, and the codes of those. */
    suspend fun askBatch(images: List<List<String>>): Pair<List<List<Long>?>, Map<Int, String>>

    suspend fun prewarm()

    suspend fun close()

    val resident: List<String>
}

/** Opens a reader with the options of a step `open`. */
internal typealias OpenReader = suspend (ScriptedEngine, Script, ScriptStep) -> ScriptedReader

/** Where the calls of a script's callers run. */
internal interface Callers {
    /** Begins a call; what it gives, or its error, goes to [end]. */
    fun begin(
        caller: String,
        call: suspend () -> Any?,
        end: (Result<Any?>) -> Unit,
    )

    /** The thread in which a caller's call does its work; null where it has none yet. */
    fun threadOf(caller: String): Thread?

    /** Cancels a call in this language's way. */
    fun cancel(caller: String)
}

/** Each call blocks a thread of its own, and is cancelled by interrupting it. */
internal class BlockingCallers : Callers {
    private val threads = ConcurrentHashMap<String, Thread>()

    override fun begin(
        caller: String,
        call: suspend () -> Any?,
        end: (Result<Any?>) -> Unit,
    ) {
        // Nothing in it suspends: it runs to its end on this thread.
        threads[caller] = thread(isDaemon = true) { call.startCoroutine(Continuation(EmptyCoroutineContext, end)) }
    }

    override fun threadOf(caller: String): Thread? = threads[caller]

    override fun cancel(caller: String) = threads.getValue(caller).interrupt()
}

/** Each call is a coroutine, and is cancelled as one; the dispatcher does its work in this dispatcher of coroutines. */
internal class SuspendingCallers :
    CoroutineDispatcher(),
    Callers {
    private val threads = ConcurrentHashMap<String, Thread>()
    private val jobs = ConcurrentHashMap<String, Job>()
    private val scope = CoroutineScope(Dispatchers.Default)

    override fun begin(
        caller: String,
        call: suspend () -> Any?,
        end: (Result<Any?>) -> Unit,
    ) {
        threads -= caller
        jobs[caller] = scope.launch(CoroutineName(caller)) { end(runCatching { call() }) }
    }

    override fun dispatch(
        context: CoroutineContext,
        block: Runnable,
    ) {
        threads[checkNotNull(context[CoroutineName]).name] = thread(isDaemon = true) { block.run() }
    }

    override fun threadOf(caller: String): Thread? = threads[caller]

    override fun cancel(caller: String) = jobs.getValue(caller).cancel()
}

/** Plays one script: after each step everything comes to rest before the next one (`tests/conformance/residency/README.md`). */
internal class ScriptPlayer(
    private val script: Script,
    private val engine: ScriptedEngine,
    private val callers: Callers,
    private val open: OpenReader,
) {
    private enum class State { GOES_ON, INSIDE, WAITS }

    private val calling = ConcurrentHashMap.newKeySet<String>()
    private val ended = ConcurrentHashMap<String, Map<String, Any?>>()

    @Volatile
    private var reader: ScriptedReader? = null

    /** What happens at each step, as the script says it. */
    fun play(): Sequence<Map<String, Any?>> =
        sequence {
            for (step in script.steps) {
                engine.loads.clear()
                engine.freed.clear()
                ended.clear()
                when (step.action) {
                    "hold", "go", "fail", "cancel", "replace" -> engine.act(step, ::cancel)
                    else -> begin(step)
                }
                val found = seen(comeToRest(0))
                // A thread that may go on counts as parked until a core has time for it.
                yield(if (found == step.then) found else seen(comeToRest(QUIET_NANOS)))
            }
        }

    private fun seen(waits: List<String>): Map<String, Any?> =
        mapOf(
            "ended" to ended.toSortedMap().toMap(),
            "loads" to engine.loads.toList(),
            "freed" to engine.freed.sorted(),
            "resident" to reader?.resident.orEmpty(),
            "waits" to waits,
        ).filterValues { it !in listOf(emptyMap<Any, Any>(), emptyList<Any>()) }

    /** Lets every call end, and the reader. */
    fun end() {
        engine.end()
        val last = System.nanoTime() + TimeUnit.SECONDS.toNanos(MOST_SECONDS)
        while (calling.isNotEmpty() && System.nanoTime() < last) Thread.sleep(1)
        val closing = thread(isDaemon = true) { runCatching { runBlocking(CoroutineName("end")) { reader?.close() } } }
        closing.join(TimeUnit.SECONDS.toMillis(1))
    }

    private fun cancel(thread: Thread) = callers.cancel(calling.first { callers.threadOf(it) === thread })

    private fun begin(step: ScriptStep) {
        val by = step.text("by")
        check(calling.add(by)) { "$by has a call already" }
        callers.begin(by, { call(step) }) { result ->
            ended[by] = told(result)
            calling -= by
        }
    }

    @Suppress("UNCHECKED_CAST")
    private suspend fun call(step: ScriptStep): Map<String, Any?> {
        if (step.action == "open") {
            reader = open(engine, script, step)
            return mapOf("done" to true)
        }
        val reader = checkNotNull(reader)
        when (step.action) {
            "ask" -> {
                return mapOf("answer" to reader.ask(step.texts("graphs")))
            }

            "batch" -> {
                val (answers, codes) = reader.askBatch(step.list("images") as List<List<String>>)
                return mapOf("answers" to answers, "codes" to codes.mapKeys { it.key.toString() })
            }

            "prewarm" -> {
                reader.prewarm()
            }

            "close" -> {
                reader.close()
            }

            else -> {
                error("unknown: $step")
            }
        }
        return mapOf("done" to true)
    }

    @Suppress("UNCHECKED_CAST")
    private fun told(result: Result<Any?>): Map<String, Any?> =
        when (val failure = result.exceptionOrNull()) {
            null -> result.getOrNull() as Map<String, Any?>
            is InterruptedException, is CancellationException -> mapOf("cancelled" to true)
            is MvmoeException -> mapOf("code" to failure.code.id)
            else -> mapOf("code" to failure.stackTraceToString())
        }

    /** Waits until every call has ended, is inside of the engine, or waits, for [quiet] nanoseconds; gives who waits. */
    private fun comeToRest(quiet: Long): List<String> {
        val last = System.nanoTime() + TimeUnit.SECONDS.toNanos(MOST_SECONDS)
        var before: Any? = null
        var since = System.nanoTime()
        while (true) {
            val states = ArrayList(calling).associateWith(::stateOf)
            val found = Triple(states, ended.size, engine.loads.size)
            val now = System.nanoTime()
            if (found != before || State.GOES_ON in states.values) {
                since = now
            } else if (now - since >= quiet) {
                return states.filterValues { it == State.WAITS }.keys.sorted()
            }
            check(now < last) { "calls that never end: $states" }
            before = found
            Thread.sleep(0, POLL_NANOS)
        }
    }

    private fun stateOf(caller: String): State {
        val thread = callers.threadOf(caller) ?: return State.GOES_ON
        val isParked = thread.state in listOf(Thread.State.WAITING, Thread.State.TIMED_WAITING, Thread.State.BLOCKED)
        return when (engine.placeOf(thread)) {
            ScriptedEngine.Place.HELD -> State.INSIDE
            ScriptedEngine.Place.LEAVING -> State.GOES_ON
            ScriptedEngine.Place.OUTSIDE -> if (isParked) State.WAITS else State.GOES_ON
        }
    }

    companion object {
        /** How long a step may take: only a reader that never ends a call meets it. */
        private const val MOST_SECONDS = 20L
        private const val POLL_NANOS = 200_000

        /** For how long nothing happens before a step is said to have gone wrong. */
        private const val QUIET_NANOS = 300_000_000L

        /** The first step of each script that a reader gets wrong; [callers] are made for each script. */
        fun <C : Callers> failures(
            scripts: List<Script>,
            callers: () -> C,
            reader: (C) -> OpenReader,
        ): Sequence<String> = scripts.asSequence().mapNotNull { failure(it, callers(), reader) }

        private fun <C : Callers> failure(
            script: Script,
            callers: C,
            reader: (C) -> OpenReader,
        ): String? {
            val folder: File = Files.createTempDirectory("residency").toRealPath().toFile()
            val engine = ScriptedEngine(script, folder)
            val player = ScriptPlayer(script, engine, callers, reader(callers))
            try {
                for ((step, found) in script.steps.asSequence().zip(player.play())) {
                    if (found != step.then) return "${script.name}: $step: $found instead of ${step.then}"
                }
            } finally {
                player.end()
                folder.deleteRecursively()
            }
            return engine.faults()?.let { "${script.name}: $it" }
        }
    }
}

package io.github.mvmoe.runtime

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.Tensor
import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.nio.file.attribute.FileTime
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

internal const val STEM = "stem"

/** The engine of the residency scripts: it loads and runs graphs as the conductor says. Their files lie in [folder]. */
internal class ScriptedEngine(
    private val script: Script,
    val folder: File,
) : StrictEngine() {
    private class Gate {
        val go = CountDownLatch(1)

        @Volatile
        var thread: Thread? = null

        @Volatile
        var isPassed = false
    }

    /** Where the engine has a thread. */
    enum class Place { OUTSIDE, HELD, LEAVING }

    private val experts =
        script.stages
            .flatMapIndexed { stage, graphs -> graphs.mapIndexed { expert, graph -> graph.name to (stage to expert) } }
            .toMap()
    private val counts = script.stages.map { it.size }
    private val failing = ConcurrentHashMap<String, AtomicInteger>()
    private val next = ConcurrentHashMap<String, Gate>()
    private val held = ConcurrentHashMap<String, Gate>()
    private val inside = ConcurrentHashMap<Thread, Gate>()

    init {
        for (name in listOf(STEM) + experts.keys) file(name).writeText("$name, as it was exported")
    }

    fun file(name: String): File = File(folder, "$name.bin")

    /** Where a thread is: one that was let go or interrupted is leaving until it runs again. */
    fun placeOf(thread: Thread): Place {
        val gate = inside[thread]
        return when {
            gate == null || gate.isPassed -> Place.OUTSIDE
            gate in held.values -> Place.HELD
            else -> Place.LEAVING
        }
    }

    /** Does what a step says of the engine or of the files; [cancel] cancels the call of a thread that is held. */
    fun act(
        step: ScriptStep,
        cancel: (Thread) -> Unit,
    ) {
        val name = step.text("graph")
        when (step.action) {
            "hold" -> next["${step.text("what")} $name"] = Gate()
            "fail" -> failing["${step.text("what")} $name"] = AtomicInteger(checkNotNull(step.long("times")).toInt())
            "replace" -> replace(file(name).toPath(), step.text("with"))
            "go" -> letGo(name) { it.go.countDown() }
            "cancel" -> letGo(name) { cancel(checkNotNull(it.thread)) }
            else -> error("unknown: $step")
        }
    }

    /** Lets everything go, so that all threads can end. */
    fun end() {
        for (gate in next.values + held.values) gate.go.countDown()
    }

    private fun letGo(
        name: String,
        leave: (Gate) -> Unit,
    ) {
        val keys = listOf("load $name", "run $name")
        val gates = keys.mapNotNull { held.remove(it) }
        gates.forEach(leave)
        if (gates.isEmpty()) next -= keys.toSet()
    }

    /** The beginning and the end of a load or a run: held if the next one is to be, and failed if the engine was told to. */
    private fun enter(
        what: String,
        name: String,
    ) {
        val key = "$what $name"
        next.remove(key)?.let { gate ->
            gate.thread = Thread.currentThread()
            held[key] = gate
            inside[Thread.currentThread()] = gate
            try {
                check(gate.go.await(MOST_SECONDS, TimeUnit.SECONDS))
            } finally {
                gate.isPassed = true
            }
        }
        if ((failing[key]?.getAndDecrement() ?: 0) > 0) {
            val code = if (what == "load") ErrorCode.ENGINE_LOAD_FAILED else ErrorCode.ENGINE_RUN_FAILED
            throw EngineException(code, "the graph $name was told to fail", mapOf("graph" to name))
        }
    }

    override fun onLoad(graph: Graph) = enter("load", graph.name)

    /** The stem hands on the logits that an image holds; a graph writes its number. */
    override fun onRun(
        graph: Graph,
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ) {
        enter("run", graph.name)
        if (graph.name == STEM) runStem(inputs, outputs) else runRoute(graph, inputs, outputs)
    }

    private fun runStem(
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ) {
        val image = inputs.getValue("image").floats
        var place = 0
        for ((stage, count) in counts.withIndex()) {
            val logits = outputs.getValue("logits$stage").floats
            for (expert in 0 until count) logits.put(expert, image.get(place++))
        }
        val numbers = outputs.getValue("numbers").floats
        for (stage in counts.indices) numbers.put(stage, 0f)
    }

    private fun runRoute(
        graph: Graph,
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ) {
        val (stage, expert) = experts.getValue(graph.name)
        val before = inputs.getValue("numbers").floats
        val numbers = outputs.values.single().floats
        for (each in counts.indices) numbers.put(each, before.get(each))
        numbers.put(stage, 10f * (stage + 1) + expert)
    }

    /** Replaces a file by one of other content, of the same, by a link, or by nothing; its times stay. */
    private fun replace(
        file: Path,
        by: String,
    ) {
        val data = Files.readAllBytes(file)
        val times = Files.getLastModifiedTime(file)
        val new = folder.toPath().resolve("new")
        when (by) {
            "nothing" -> {
                Files.delete(file)
            }

            "written" -> {
                write(file, data.reversedArray(), times)
            }

            "link" -> {
                val elsewhere = folder.toPath().resolve("elsewhere")
                write(elsewhere, data, times)
                Files.delete(file)
                Files.createSymbolicLink(file, elsewhere)
            }

            else -> {
                write(new, if (by == "other") data.reversedArray() else data, times)
                Files.move(new, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE)
            }
        }
    }

    private fun write(
        file: Path,
        data: ByteArray,
        times: FileTime,
    ) {
        Files.write(file, data)
        Files.setLastModifiedTime(file, times)
    }

    private companion object {
        /** How long a gate holds: only a reader that never ends a call meets it. */
        const val MOST_SECONDS = 20L
    }
}

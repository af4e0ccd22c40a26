package io.github.mvmoe.runtime

import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import java.io.File
import java.util.Collections
import java.util.concurrent.atomic.AtomicInteger

/**
 * An engine whose graphs are functions of the test. It notices what the contract of engines forbids to the caller of one: graphs
 * closed twice or while they run, a binding run by two threads, tensors of another shape, anything that is left open.
 */
internal abstract class StrictEngine : Engine {
    /** The loads that began, and the graphs that were given back, in order. */
    val loads: MutableList<String> = Collections.synchronizedList(ArrayList())
    val freed: MutableList<String> = Collections.synchronizedList(ArrayList())
    val binds = AtomicInteger()

    private val faults: MutableList<String> = Collections.synchronizedList(ArrayList())
    private val openRunners = AtomicInteger()
    private val openGraphs = AtomicInteger()
    private val openBindings = AtomicInteger()

    /** How many bindings there are. */
    val bindings: Int get() = openBindings.get()

    override val format: String get() = "fake"

    /** Loads a graph, or fails to. */
    open fun onLoad(graph: Graph) = Unit

    /** Runs a graph, or fails to. */
    abstract fun onRun(
        graph: Graph,
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    )

    /** What its caller did that it must not, and what he has left open; null if there is nothing. */
    fun faults(): String? =
        faults.joinToString().ifEmpty { null }
            ?: listOf(openRunners, openGraphs, openBindings)
                .takeIf { counts -> counts.any { it.get() != 0 } }
                ?.let { "runners, graphs and bindings that were left open: $it" }

    override fun open(
        root: File,
        target: Target,
    ): Runner {
        openRunners.incrementAndGet()
        return StrictRunner()
    }

    private fun requireThat(
        holds: Boolean,
        fault: String,
    ) {
        if (!holds) faults += fault
    }

    private inner class StrictRunner : Runner {
        override val description: String get() = "a strict engine"
        override val provider: String get() = "none"

        override fun load(graph: Graph): LoadedGraph {
            loads += graph.name
            onLoad(graph)
            openGraphs.incrementAndGet()
            return StrictGraph(graph)
        }

        override fun close() {
            requireThat(openGraphs.get() == 0, "the runner was closed before its graphs")
            openRunners.decrementAndGet()
        }
    }

    private inner class StrictGraph(
        private val graph: Graph,
    ) : LoadedGraph {
        val running = AtomicInteger()

        @Volatile
        var isClosed = false

        override fun bind(
            inputs: Map<String, Tensor>,
            outputs: Map<String, Tensor>,
        ): BoundGraph {
            requireThat(!isClosed, "${graph.name} was bound after it was closed")
            for ((specs, tensors) in listOf(graph.inputs to inputs, graph.outputs to outputs)) {
                val wanted = specs.associate { it.name to (it.shape to it.dtype) }
                val found = tensors.mapValues { (_, tensor) -> tensor.shape to tensor.dtype }
                requireThat(wanted == found, "${graph.name} was bound to $found instead of $wanted")
            }
            binds.incrementAndGet()
            openBindings.incrementAndGet()
            return StrictBinding(this, graph, inputs, outputs)
        }

        override fun close() {
            requireThat(!isClosed, "${graph.name} was closed twice")
            requireThat(running.get() == 0, "${graph.name} was closed while it runs")
            isClosed = true
            openGraphs.decrementAndGet()
            freed += graph.name
        }
    }

    private inner class StrictBinding(
        private val loaded: StrictGraph,
        private val graph: Graph,
        private val inputs: Map<String, Tensor>,
        private val outputs: Map<String, Tensor>,
    ) : BoundGraph {
        private val runs = AtomicInteger()

        @Volatile
        private var isClosed = false

        override fun run() {
            requireThat(runs.incrementAndGet() == 1, "one binding of ${graph.name} is run by two threads")
            loaded.running.incrementAndGet()
            try {
                requireThat(!loaded.isClosed && !isClosed, "${graph.name} is run after it was closed")
                onRun(graph, inputs, outputs)
                requireThat(!loaded.isClosed && !isClosed, "${graph.name} was closed while it runs")
            } finally {
                loaded.running.decrementAndGet()
                runs.decrementAndGet()
            }
        }

        override fun close() {
            requireThat(runs.get() == 0, "a binding of ${graph.name} was closed while it runs")
            requireThat(!isClosed, "a binding of ${graph.name} was closed twice")
            isClosed = true
            openBindings.decrementAndGet()
        }
    }
}

package io.github.mvmoe.runtime

import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Tensor
import java.io.Closeable

/** A graph on the tensors of one call site. Its users are its graph, and the call that runs it. */
internal class Binding(
    val graph: ResidentGraph,
    bound: BoundGraph,
    private val site: CallSite,
) : Shared<BoundGraph>(bound) {
    /** The graph gives it up; it is closed now, or when the call that runs it has ended. */
    fun drop() {
        site.forget(this)
        release()
    }
}

/**
 * A graph in the engine's memory and its bindings, which go when it does.
 *
 * At most [mostBindings] of them are kept: a graph may be bound to the weights of more routes than memory has room for.
 */
internal class ResidentGraph(
    private val graph: LoadedGraph,
    private val mostBindings: Int,
) : Closeable {
    private val bindings = LinkedHashSet<Binding>()

    /** Makes beforehand what binding these weights will need. */
    fun prepare(weights: Map<String, Tensor>): Unit = graph.prepare(weights)

    /** A new binding for its site, and for the caller, who releases it. */
    fun bind(
        site: CallSite,
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ): Binding {
        val binding = Binding(this, graph.bind(inputs, outputs), site)
        binding.retain(1)
        synchronized(bindings) {
            if (bindings.size >= mostBindings) dropLocked(bindings.first())
            bindings += binding
        }
        return binding
    }

    /** Gives a binding up, unless that was done. */
    fun drop(binding: Binding): Unit = synchronized(bindings) { dropLocked(binding) }

    private fun dropLocked(binding: Binding) {
        if (bindings.remove(binding)) binding.drop()
    }

    /** Nothing runs it any more. */
    override fun close() {
        val all = synchronized(bindings) { bindings.toList().also { bindings.clear() } }
        closeAll(all.map { Closeable(it::drop) } + graph)
    }
}

package io.github.mvmoe.runtime

import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.Tensor
import java.io.Closeable
import java.util.concurrent.atomic.AtomicReference

/**
 * One graph on the tensors of one set of buffers: the graph is loaded where it is cold, bound once and run many times.
 *
 * A site is used by one call at a time, as its buffers are. [inputs] are asked for when the graph is bound.
 */
internal class CallSite(
    private val cache: ResidencyCache<ResidentGraph>,
    private val entry: Entry<ResidentGraph>,
    private val inputs: () -> Map<String, Tensor>,
    private val outputs: Map<String, Tensor>,
) : Closeable {
    private val binding = AtomicReference<Binding?>()

    /** Loads and binds the graph without running it. */
    fun prepare(): Unit = use {}

    /** Runs the graph; its time goes to [ready] until it can run, and to [run] from there. */
    fun run(
        laps: Laps,
        ready: Part,
        run: Part,
    ): Unit =
        use { bound ->
            laps.end(ready)
            bound.run()
            laps.end(run)
        }

    /** Has the graph in memory, and bound, while [block] runs it; from then on it may be evicted. */
    inline fun use(block: (BoundGraph) -> Unit) {
        val copy = cache.acquire(entry)
        try {
            val binding = bindingOn(copy.value)
            try {
                block(binding.value)
            } finally {
                binding.release()
            }
        } finally {
            copy.release()
        }
    }

    /** Its binding is being closed. */
    fun forget(dropped: Binding) {
        binding.compareAndSet(dropped, null)
    }

    /** Gives up its binding; the next run makes another one. */
    override fun close() {
        binding.get()?.let { it.graph.drop(it) }
    }

    /** The binding for the caller, who is a user of the graph. */
    private fun bindingOn(graph: ResidentGraph): Binding {
        val found = binding.get()
        // One of an evicted copy of the graph may not be closed yet.
        if (found != null && found.graph === graph && found.tryRetain()) return found
        return graph.bind(this, inputs(), outputs).also { binding.set(it) }
    }
}

package io.github.mvmoe.engine

import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.Target
import java.io.Closeable
import java.io.File

/**
 * What runs the graphs of targets of one format; an app gives one to `Dispatcher.open`.
 *
 * An engine that is not yet opened holds nothing native, so it needs no `close`.
 */
public interface Engine {
    /** The format whose graphs it runs, as a manifest has it: `onnx`. */
    public val format: String

    /**
     * A runner of the target's graphs, whose files lie under [root] and have been checked. No graph is loaded yet.
     *
     * @throws io.github.mvmoe.EngineException where the engine does not exist on this system, or lacks its native library.
     */
    public fun open(
        root: File,
        target: Target,
    ): Runner
}

/**
 * Executes the graphs of one target.
 *
 * All methods may be called from several threads at once. [close] comes last, after every graph was closed.
 */
public interface Runner : Closeable {
    /** What runs the graphs, for people: the engine with its version. */
    public val description: String

    /** Where the engine runs them: an execution provider, a delegate. */
    public val provider: String

    /**
     * Loads a graph; each call makes another copy.
     *
     * @throws io.github.mvmoe.EngineException that names the graph (`engine.load-failed`, `engine.wrong-signature`), or
     * ResourceLimitException (`limit.memory`, ...).
     */
    public fun load(graph: Graph): LoadedGraph
}

/**
 * One graph in memory.
 *
 * The caller never closes it while one of its bindings runs. Closing it closes its bindings.
 */
public interface LoadedGraph : Closeable {
    /**
     * Makes beforehand what binding these weights will need, by the names of the inputs that take them, and keeps it until the
     * graph is closed.
     *
     * The first image of a route has less to wait for then. An engine that needs nothing does nothing.
     */
    public fun prepare(weights: Map<String, Tensor>): Unit = Unit

    /**
     * A binding that reads [inputs] and overwrites [outputs], by the names of the graph's inputs and outputs.
     *
     * Nothing is copied where the engine can help it: a tensor that another binding gives may be an input of this one, and
     * weights may lie in a mapped file. All tensors live as long as the binding. Different bindings of one graph may run in
     * different threads at once; one binding is never run by two threads at a time.
     */
    public fun bind(
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ): BoundGraph
}

/** A graph with its inputs and outputs, made once and run many times. */
public interface BoundGraph : Closeable {
    /** @throws io.github.mvmoe.EngineException (`engine.run-failed`) that names the graph. */
    public fun run()
}

package io.github.mvmoe.executorch

import io.github.mvmoe.MvmoeException
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.EngineErrors
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import java.io.File
import java.util.concurrent.atomic.AtomicInteger

/** Runs the methods of an `executorch` target, a module each. It holds nothing native itself. */
internal class ExecuTorchRunner(
    private val root: File,
    delegate: String,
    private val threads: Int,
    private val open: AtomicInteger,
) : Runner {
    private val errors = EngineErrors("ExecuTorch")

    override val provider: String = delegate

    override val description: String get() = "${errors.engine} ($provider)"

    override fun load(graph: Graph): LoadedGraph {
        requireTypes(graph)
        return ExecuTorchGraph(graph, module(graph), errors)
    }

    override fun close(): Unit = Unit

    private fun module(graph: Graph): OwnedModule =
        try {
            OwnedModule.load(File(root, graph.file), graph.entry ?: graph.name, threads, open)
        } catch (ours: MvmoeException) {
            throw ours
        } catch (failure: RuntimeException) {
            throw errors.load(graph, failure)
        } catch (failure: OutOfMemoryError) {
            throw errors.load(graph, failure)
        }
}

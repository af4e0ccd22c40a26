package io.github.mvmoe.onnx

import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession.SessionOptions
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.EngineErrors
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Runner
import java.io.File

/** Runs the graphs of an `onnx` target, one session each; owns the options, which have to outlive every session. */
internal class OnnxRunner(
    private val root: File,
    private val options: Owned<SessionOptions>,
    executionProvider: ExecutionProvider,
    private val live: LiveObjects,
) : Runner {
    private val environment = Environment.get()
    private val errors = EngineErrors("ONNX Runtime ${environment.version}")
    private val tensors = SharedTensors(environment, live)

    override val provider: String = executionProvider.name

    override val description: String get() = "${errors.engine} ($provider)"

    override fun load(graph: Graph): LoadedGraph =
        try {
            loaded(graph)
        } catch (failure: OrtException) {
            throw errors.load(graph, failure)
        } catch (failure: OutOfMemoryError) {
            throw errors.load(graph, failure)
        }

    override fun close(): Unit = options.close()

    private fun loaded(graph: Graph): OnnxGraph {
        // By its path: weights that lie beside it are found in no other way.
        val session = Owned(environment.createSession(File(root, graph.file).path, options.value), live.sessions)
        try {
            errors.requireSignature(graph, signatures(session.value.inputInfo), signatures(session.value.outputInfo))
        } catch (failure: Throwable) {
            session.close()
            throw failure
        }
        return OnnxGraph(graph, session, tensors, errors)
    }
}

package io.github.mvmoe.onnx

import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession.SessionOptions
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.TensorSpec
import io.github.mvmoe.engine.EngineErrors
import io.github.mvmoe.engine.GraphPlacement
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.ReportsPlacement
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import java.io.File
import java.io.IOException

/**
 * Runs the graphs of an `onnx` target, one session each; owns the options, which have to outlive every session.
 *
 * @param newOptions makes options as the engine has them.
 */
internal class OnnxRunner(
    private val root: File,
    private val newOptions: () -> Owned<SessionOptions>,
    executionProvider: ExecutionProvider,
    private val live: LiveObjects,
) : Runner,
    ReportsPlacement {
    private val options = newOptions()
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

    override fun placement(graph: Graph): GraphPlacement {
        val folder = createTempFolder()
        try {
            return newOptions().use { Profile.placement(profileLines(graph, it, folder).asSequence(), provider) }
        } catch (failure: OrtException) {
            throw errors.run(graph, failure)
        } catch (failure: IOException) {
            throw errors.run(graph, failure)
        } finally {
            folder.deleteRecursively()
        }
    }

    override fun close(): Unit = options.close()

    /** What ONNX Runtime writes of one run of a graph, on zeros. */
    private fun profileLines(
        graph: Graph,
        recording: Owned<SessionOptions>,
        folder: File,
    ): List<String> {
        recording.value.enableProfiling(File(folder, "profile").path)
        loaded(graph, recording).use { loaded ->
            loaded.bind(tensors(graph.inputs), tensors(graph.outputs)).run()
            return File(loaded.endProfiling()).readLines()
        }
    }

    private fun tensors(specs: List<TensorSpec>): Map<String, Tensor> = specs.associate { it.name to Tensor.allocate(it.dtype, it.shape) }

    private fun createTempFolder(): File {
        val folder = File.createTempFile("mvmoe-profile", null)
        if (folder.delete() && folder.mkdir()) return folder
        throw IOException("the folder $folder for a profile cannot be made")
    }

    private fun loaded(
        graph: Graph,
        options: Owned<SessionOptions> = this.options,
    ): OnnxGraph {
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

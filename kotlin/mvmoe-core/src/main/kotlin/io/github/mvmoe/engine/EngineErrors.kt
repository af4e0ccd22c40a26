package io.github.mvmoe.engine

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.TensorSpec

/**
 * The errors that every engine has, in the same words: for those who write an [Engine].
 *
 * @property engine the engine's name with its version, for people: `ONNX Runtime 1.29.0`.
 */
public class EngineErrors(
    public val engine: String,
) {
    /** For an engine that does not start with the options that it was given: `engine.failed`, or the limit that was met. */
    public fun start(cause: Throwable): EngineException = failed(ErrorCode.ENGINE_FAILED, null, "$engine does not start", cause)

    /** For a graph that the engine refuses: `engine.load-failed`, or the limit that was met. */
    public fun load(
        graph: Graph,
        cause: Throwable,
    ): EngineException = failed(ErrorCode.ENGINE_LOAD_FAILED, graph, "${described(graph)} does not load in $engine", cause)

    /** For a graph that does not run: `engine.run-failed`, or the limit that was met. */
    public fun run(
        graph: Graph,
        cause: Throwable,
    ): EngineException = failed(ErrorCode.ENGINE_RUN_FAILED, graph, "graph ${graph.name} failed in $engine", cause)

    /**
     * For an engine whose native library, or whose classes, this process lacks: `engine.unsupported-platform`.
     *
     * [advice] says what the application has to add.
     */
    public fun missingLibrary(
        cause: Throwable,
        advice: String,
    ): EngineException =
        EngineException(
            ErrorCode.ENGINE_UNSUPPORTED_PLATFORM,
            "$engine has no native library that runs here, on ${platform()} (${firstLine(chain(cause).last())}); $advice",
            cause = cause,
        )

    /**
     * Refuses a graph whose inputs or outputs are not the manifest's.
     *
     * @throws EngineException `engine.wrong-signature`.
     */
    public fun requireSignature(
        graph: Graph,
        inputs: List<Signature>,
        outputs: List<Signature>,
    ) {
        requireSignature(graph, "inputs", graph.inputs, inputs)
        requireSignature(graph, "outputs", graph.outputs, outputs)
    }

    /**
     * Refuses tensors that are not what the manifest says of a graph's.
     *
     * @throws InputException `input.shape`.
     */
    public fun requireTensors(
        graph: Graph,
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ) {
        for (spec in graph.inputs) requireTensor(graph, spec, inputs[spec.name])
        for (spec in graph.outputs) requireTensor(graph, spec, outputs[spec.name])
    }

    private fun failed(
        code: ErrorCode,
        graph: Graph?,
        what: String,
        cause: Throwable,
    ): EngineException {
        val fields = if (graph == null) emptyMap() else mapOf("graph" to graph.name)
        val limit = Limit.of(cause) ?: return EngineException(code, "$what: ${firstLine(cause)}", fields, cause)
        return ResourceLimitException(limit.code, "$what: ${limit.advice}", cause = cause)
    }

    private fun requireSignature(
        graph: Graph,
        kind: String,
        specs: List<TensorSpec>,
        found: List<Signature>,
    ) {
        val byName = found.associateBy { it.name }
        if (found.size == specs.size && specs.all { byName[it.name]?.fits(it) == true }) return
        val declared = specs.map { Signature(it.name, it.shape.map(Int::toLong), it.dtype.id) }
        throw EngineException(
            ErrorCode.ENGINE_WRONG_SIGNATURE,
            "${described(graph)} has the $kind $found, but the manifest says $declared; export the bundle again",
            mapOf("graph" to graph.name),
        )
    }

    private fun requireTensor(
        graph: Graph,
        spec: TensorSpec,
        tensor: Tensor?,
    ) {
        val fits = tensor != null && tensor.dtype == spec.dtype && tensor.shape == spec.shape && isWhole(spec, tensor)
        if (fits) return
        val given = tensor?.let { "${it.dtype.id} ${it.shape} in ${it.data.limit()} bytes" } ?: "nothing"
        throw InputException(
            ErrorCode.INPUT_SHAPE,
            "tensor ${spec.name} of graph ${graph.name} was given as $given; expected ${spec.dtype.id} ${spec.shape} in a direct buffer",
            mapOf("expected" to spec.shape, "found" to tensor?.shape),
        )
    }

    private fun isWhole(
        spec: TensorSpec,
        tensor: Tensor,
    ): Boolean = tensor.data.isDirect && tensor.data.limit().toLong() == spec.elements * spec.dtype.bytes

    private fun described(graph: Graph) = "graph ${graph.name} (${graph.file})"
}

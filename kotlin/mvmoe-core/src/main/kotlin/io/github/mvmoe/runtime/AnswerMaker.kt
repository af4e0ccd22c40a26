package io.github.mvmoe.runtime

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.RoutingException
import io.github.mvmoe.bundle.OutputSpec
import io.github.mvmoe.outputs.Output
import io.github.mvmoe.outputs.OutputKind
import io.github.mvmoe.outputs.OutputKinds
import io.github.mvmoe.outputs.areFinite
import io.github.mvmoe.preprocessing.InputTransform
import io.github.mvmoe.routing.Route
import io.github.mvmoe.routing.Selection
import java.nio.FloatBuffer

/** Makes the answers of what a target's graphs gave. */
internal class AnswerMaker(
    private val pipeline: Pipeline,
) {
    private val kinds: Map<String, OutputKind> =
        pipeline.manifest.outputs.associate { it.name to checkNotNull(OutputKinds.find(it.kind)) }
    private val classOutput =
        pipeline.manifest.outputs
            .firstOrNull { kinds.getValue(it.name).classifies }
            ?.name

    /**
     * The answer for the first image of some buffers, after its passage.
     *
     * @throws RoutingException for values that are not finite.
     */
    fun ofFirst(
        buffers: InferenceBuffers,
        passage: Passage,
        transform: InputTransform?,
    ): AnswerParts {
        val results = buffers.results[passage.last]
        val outputs = LinkedHashMap<String, Output>(2 * results.size)
        for (result in results) {
            val values = result.values()
            if (!areFinite(values)) throw notFinite("")
            outputs[result.spec.name] = output(result.spec, result.shape, values, transform)
        }
        return parts(outputs, passage.last, passage.selections, buffers.firstLogits, buffers.firstInnerLogits)
    }

    /** The routes of the first image of some buffers. */
    fun routesOf(
        buffers: InferenceBuffers,
        passage: Passage,
    ): List<Route> = selectionsOf(passage.selections, buffers.firstInnerLogits).map { it.route }

    /** The logits of all routers for the first image; those of stages that it did not reach mean nothing. */
    fun logitsOf(buffers: InferenceBuffers): List<FloatArray> = logitsOf(buffers.firstLogits, buffers.firstInnerLogits)

    /** One output of an image, `[...]`. */
    fun output(
        spec: OutputSpec,
        shape: List<Int>,
        values: FloatArray,
        transform: InputTransform?,
    ): Output = kinds.getValue(spec.name).output(spec, shape, values, transform)

    /**
     * The parts of an answer.
     *
     * @param logits of each routed stage that the image reached.
     * @param innerLogits those of all routers, where they are inside of the graph.
     */
    fun parts(
        outputs: Map<String, Output>,
        last: Int,
        selections: List<Selection>,
        logits: List<FloatBuffer>,
        innerLogits: FloatBuffer?,
    ): AnswerParts {
        val taken = selectionsOf(selections, innerLogits)
        return AnswerParts(outputs, pipeline.stages[last].name, classOutput, taken, logitsOf(logits.take(taken.size), innerLogits))
    }

    private fun selectionsOf(
        selections: List<Selection>,
        innerLogits: FloatBuffer?,
    ): List<Selection> = if (innerLogits == null) selections else checkNotNull(pipeline.innerRouting).select(innerLogits)

    private fun logitsOf(
        logits: List<FloatBuffer>,
        innerLogits: FloatBuffer?,
    ): List<FloatArray> = (if (innerLogits == null) logits else checkNotNull(pipeline.innerRouting).logits(innerLogits)).map(::copyOf)

    /** The error for an answer that is not finite; [which] says of which image. */
    fun notFinite(
        which: String,
        image: Int = 0,
    ) = RoutingException(
        ErrorCode.ROUTING_NOT_FINITE,
        "the answer$which holds a value that is not finite; check the weights of the model",
        mapOf("image" to image),
    )
}

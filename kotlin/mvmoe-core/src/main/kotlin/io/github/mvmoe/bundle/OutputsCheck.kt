package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode

/** Outputs are tensors that stages give, and there wherever an image may be finished. */
internal fun checkOutputs(manifest: Manifest) {
    requireDistinct(manifest.outputs.map { it.name }, "output")
    val stageOf = stageOfTensors(manifest.stages)
    val firstFinish = manifest.stages.indexOfFirst { it.finishes.isNotEmpty() }.takeIf { it >= 0 } ?: manifest.stages.size
    for (output in manifest.outputs) {
        val stages = output.tensors.map { tensor -> stageOf[tensor] ?: throw unknownTensor(output, tensor) }
        requireConsistent(stages.zipWithNext().all { (earlier, later) -> earlier < later }) {
            "the tensors of the output ${output.name} are not of one stage after another"
        }
        requireConsistent(stages.first() < firstFinish, missing(output, firstFinish)) {
            "an image may be finished at stage $firstFinish before it has the output ${output.name}"
        }
    }
}

private fun unknownTensor(
    output: OutputSpec,
    tensor: String,
) = inconsistent(
    "the output ${output.name} is the tensor $tensor, which no stage gives",
    Fault(ErrorCode.BUNDLE_TENSOR_UNKNOWN, "output" to output.name, "tensor" to tensor),
)

private fun missing(
    output: OutputSpec,
    stage: Int,
) = Fault(ErrorCode.BUNDLE_OUTPUT_MISSING, "output" to output.name, "stage" to stage)

package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.outputs.OutputKinds

/** Bytes of all golden vectors. */
internal const val MOST_GOLDEN_BYTES: Long = 1L shl 31

/** The tensors of an output have one shape, which fits its kind and its labels. */
internal fun checkKinds(
    manifest: Manifest,
    shapes: OutputShapes,
) {
    for (output in manifest.outputs) checkKind(output, shapes)
}

private fun checkKind(
    output: OutputSpec,
    shapes: OutputShapes,
) {
    val kind = OutputKinds.find(output.kind) ?: throw unknownKind(output)
    val shape = shapes.of(output)
    val fault = Fault(ErrorCode.BUNDLE_OUTPUT_SHAPE, "output" to output.name, "kind" to output.kind, "found" to shape)
    requireConsistent(output.tensors.all { shapes[it] == shape }, fault) {
        "the tensors of the output ${output.name} have different shapes"
    }
    requireConsistent(kind.fits(shape), fault) {
        "the output ${output.name} has the shape ${brief(shape)} behind the batch; its kind ${output.kind} has ${kind.form}"
    }
    val labels = output.labels ?: return
    val classes = kind.classes(shape)
    requireConsistent(labels.size == classes) {
        "there are ${labels.size} labels for the ${classes ?: "no"} classes of the output ${output.name}"
    }
}

private fun unknownKind(output: OutputSpec) =
    inconsistent(
        "the output ${output.name} is of the kind ${output.kind}; this release has ${OutputKinds.names.joinToString()}: " +
            "use a release that has the kind",
        Fault(ErrorCode.BUNDLE_UNKNOWN_KIND, "name" to output.kind, "installed" to OutputKinds.names),
    )

/** The golden vectors have sizes that can be read. */
internal fun checkGoldenSize(
    manifest: Manifest,
    shapes: OutputShapes,
) {
    val images = manifest.golden.images
    val vectors = linkedMapOf("image" to float32(listOf(images) + manifest.input.shape))
    for (output in manifest.outputs) vectors["outputs.${output.name}"] = float32(listOf(images) + shapes.of(output))
    requireSizes(vectors) { "the golden file" }
    // Logits, gates and members.
    val routed = manifest.rules.sumOf { 9L * it.experts }
    val total = vectors.values.sumOf { bytesOf(it.shape, DType.FLOAT32) } + images * routed
    requireConsistent(total <= MOST_GOLDEN_BYTES, tooLarge(MOST_GOLDEN_BYTES)) {
        "its golden vectors have $total bytes together; at most $MOST_GOLDEN_BYTES are read"
    }
}

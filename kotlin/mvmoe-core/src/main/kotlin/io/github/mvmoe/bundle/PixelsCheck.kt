package io.github.mvmoe.bundle

/** Only the image that the stem takes can be pixels, one image at a time, with a factor above zero for each channel. */
internal fun checkPixels(
    graph: Graph,
    target: Target,
    input: InputSpec,
) {
    val where = { "graph ${graph.name} of target ${target.name}" }
    for (tensor in graph.outputs) {
        requireConsistent(tensor.pixels == null) { "${where()} gives ${tensor.name} as pixels, which only the image of the stem can be" }
    }
    for (tensor in graph.inputs) {
        val pixels = tensor.pixels ?: continue
        requireConsistent(graph.stage == 0 && tensor.name == IMAGE) {
            "${where()} takes ${tensor.name} as pixels, which only the image of the stem can be"
        }
        requireConsistent(pixels.channelOrder == input.channelOrder && tensor.shape.firstOrNull() == 1) {
            "${where()} takes pixels ${pixels.channelOrder.id} of the shape ${brief(
                tensor.shape,
            )}; the model takes ${input.channelOrder.id}, " +
                "and pixels are one image"
        }
        requireFactors(pixels, where)
    }
}

private fun requireFactors(
    pixels: PixelScaling,
    where: () -> String,
) {
    val channels = pixels.channelOrder.channels
    requireConsistent(pixels.scale.size == channels && pixels.bias.size == channels && pixels.scale.all { it > 0 }) {
        "${where()} takes pixels with the scales ${brief(
            pixels.scale,
        )} and the biases ${brief(pixels.bias)}; expected $channels of each, " +
            "and scales above zero"
    }
}

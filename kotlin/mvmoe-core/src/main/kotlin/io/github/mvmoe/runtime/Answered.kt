package io.github.mvmoe.runtime

import io.github.mvmoe.routing.Route

/**
 * What an engine made of one golden image.
 *
 * @property routes by routed stage; fewer if the image was finished, or the logits of one were not finite.
 * @property logits by routed stage, `[E]`, empty where there is no router; those of stages that the image did not reach mean
 * nothing.
 * @property outputs by name, `[...]`.
 */
internal class Answered(
    val routes: List<Route>,
    val logits: List<FloatArray>,
    val outputs: Map<String, FloatArray>,
)

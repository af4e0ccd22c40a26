package io.github.mvmoe.runtime

import io.github.mvmoe.routing.Route

/** What PyTorch makes of a bundle's golden images (`docs/bundle.md`, *Golden vectors*). Images count from 0, stages from 1. */
internal interface GoldenAnswers {
    val images: Int

    /** The logits `[E]` of a routed stage; empty where it has no router. */
    fun logits(
        stage: Int,
        image: Int,
    ): FloatArray

    /** The route at a routed stage; null where the image was finished before. */
    fun members(
        stage: Int,
        image: Int,
    ): Route?

    /** The values `[...]` of an output. */
    fun output(
        name: String,
        image: Int,
    ): FloatArray

    /** The shape of an output for one image. */
    fun shape(name: String): List<Int>
}

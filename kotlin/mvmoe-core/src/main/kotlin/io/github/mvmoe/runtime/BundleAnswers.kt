package io.github.mvmoe.runtime

import io.github.mvmoe.bundle.GoldenVectors
import io.github.mvmoe.bundle.Manifest
import io.github.mvmoe.bundle.OutputShapes
import io.github.mvmoe.routing.Route

/** The golden vectors of a bundle as answers to compare with. */
internal class BundleAnswers(
    private val vectors: GoldenVectors,
    private val manifest: Manifest,
) : GoldenAnswers {
    private val shapes = OutputShapes.of(manifest)

    override val images: Int get() = vectors.images

    override fun logits(
        stage: Int,
        image: Int,
    ): FloatArray = vectors.logits(stage, image)

    override fun members(
        stage: Int,
        image: Int,
    ): Route? = vectors.members(stage, image)

    override fun output(
        name: String,
        image: Int,
    ): FloatArray = vectors.output(name, image)

    override fun shape(name: String): List<Int> = shapes.of(manifest.outputs.first { it.name == name })
}

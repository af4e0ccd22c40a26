package io.github.mvmoe.onnx

import io.github.mvmoe.bundle.Bundle
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/** A bundle's golden vectors, read by a second reader of `docs/bundle.md`, without a check. */
internal class Golden(
    bundle: Bundle,
) {
    private val bytes =
        ByteBuffer.wrap(File(bundle.root, bundle.manifest.golden.file.path).readBytes()).order(ByteOrder.LITTLE_ENDIAN)
    private val start = 8 + bytes.getLong(0).toInt()
    private val header = String(bytes.array(), 8, start - 8)

    val images: Int = bundle.manifest.golden.images

    /** All images' values of a vector of fp32, one after the other. */
    fun all(name: String): FloatArray {
        val (first, end) = place(name)
        return FloatArray((end - first) / 4) { bytes.getFloat(start + first + 4 * it) }
    }

    fun of(
        name: String,
        image: Int,
    ): FloatArray = all(name).let { it.copyOfRange(image * (it.size / images), (image + 1) * (it.size / images)) }

    /** The experts of an image at a routed stage. */
    fun route(
        stage: Int,
        image: Int,
    ): List<Int> {
        val (first, end) = place("members.$stage")
        val experts = (end - first) / images
        return (0 until experts).filter { bytes.get(start + first + image * experts + it).toInt() != 0 }
    }

    /** How far an image's values are off, relative to the largest value that the vector has over all images. */
    fun error(
        given: FloatArray,
        name: String,
        image: Int,
    ): Float {
        val wanted = of(name, image)
        check(given.size == wanted.size) { "$name has ${given.size} values instead of ${wanted.size}" }
        return given.indices.maxOf { abs(given[it] - wanted[it]) } / all(name).maxOf(::abs)
    }

    private fun place(name: String): Pair<Int, Int> {
        val found = checkNotNull(Regex(""""${Regex.escape(name)}":\{[^}]*"data_offsets":\[(\d+),(\d+)]""").find(header)) { name }
        return found.groupValues[1].toInt() to found.groupValues[2].toInt()
    }

    companion object {
        /** How far logits and outputs may be off (tests/conformance/answers/README.md). */
        const val BOUND = 1e-4f
    }
}

package io.github.mvmoe.bench.own

import io.github.mvmoe.bench.Images
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.Reference
import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.hexadecimal
import io.github.mvmoe.routing.CallersRule
import io.github.mvmoe.routing.Choices
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest

/** The golden images of a bundle, and what PyTorch makes of them. */
internal class GoldenInputs private constructor(
    val images: Images,
    val sha256: String,
    val reference: Reference,
    private val callersRules: List<CallersRule>,
) {
    val names: List<String> = List(images.count) { "golden $it" }

    /** Every image once. */
    fun once(): List<Query> = List(images.count, ::query)

    /** What is asked in one repeat: repeats ask different images as long as there are any. */
    fun rounds(
        count: Int,
        repeat: Int,
    ): List<Query> = List(count) { query((repeat * count + it) % images.count) }

    /** Where the caller chooses, an image takes what the golden vectors are of. */
    private fun query(image: Int): Query {
        val choices = LinkedHashMap<String, String>()
        for (rule in callersRules) {
            val turns = Choices.turnsOf(rule)
            turns[image % turns.size]?.let { choices[rule.choice] = it }
        }
        return Query(image, choices = choices)
    }

    companion object {
        /** @throws io.github.mvmoe.BundleException for golden vectors that are damaged. */
        fun of(bundle: Bundle): GoldenInputs =
            bundle.golden().use { golden ->
                val images = List(golden.images, golden::image)
                GoldenInputs(
                    Images.of(images, bundle.manifest.input.shape),
                    sha256(images),
                    Reference.of(golden, bundle.manifest),
                    bundle.manifest.rules.filterIsInstance<CallersRule>(),
                )
            }

        /** Of the numbers as they lie in a file. */
        private fun sha256(images: List<FloatArray>): String {
            val digest = MessageDigest.getInstance("SHA-256")
            for (image in images) {
                val bytes = ByteBuffer.allocate(Float.SIZE_BYTES * image.size).order(ByteOrder.LITTLE_ENDIAN)
                bytes.asFloatBuffer().put(image)
                digest.update(bytes.array())
            }
            return hexadecimal(digest.digest())
        }
    }
}

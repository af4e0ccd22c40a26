package io.github.mvmoe.runner

import io.github.mvmoe.bundle.readInput
import io.github.mvmoe.json.Field
import io.github.mvmoe.json.JsonPath
import io.github.mvmoe.json.StrictJson
import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.preprocessing.Preprocessor
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Prepares a picture again and again, once for each line of the standard input, and gives the nanoseconds of each.
 *
 * A line is the `input` of a manifest, as JSON. The answer is one line of JSON: the time, and the sum of the input's numbers.
 */
internal object PreprocessCommand : Command {
    override val name = "preprocess"
    override val usage = "PICTURE.rgb --width W --height H"

    override fun run(
        words: List<String>,
        startedNs: Long,
    ) {
        val given = Words(words, setOf("width", "height"))
        val width = given.number("width") ?: throw UsageException("no width was given")
        val height = given.number("height") ?: throw UsageException("no height was given")
        val picture = PixelBuffer.rgb(File(given.plain.single()).readBytes(), width, height)
        val known = HashMap<String, Prepared>()
        for (line in generateSequence(::readlnOrNull)) {
            println(JSON.writeValueAsString(known.getOrPut(line) { Prepared(line) }.time(picture)))
        }
    }

    /** What makes one input. */
    private class Prepared(
        spec: String,
    ) {
        private val input = Field(StrictJson.parse(spec.toByteArray()), JsonPath("$")).record(::readInput)
        private val preprocessor = Preprocessor(input)
        private val numbers =
            ByteBuffer
                .allocateDirect(input.shape.fold(Float.SIZE_BYTES, Int::times))
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer()

        fun time(picture: PixelBuffer): Map<String, Any> {
            val start = System.nanoTime()
            preprocessor.prepare(picture, numbers)
            val ns = System.nanoTime() - start
            return mapOf("ns" to ns, "sum" to (0 until numbers.capacity()).sumOf { numbers.get(it).toDouble() })
        }
    }
}

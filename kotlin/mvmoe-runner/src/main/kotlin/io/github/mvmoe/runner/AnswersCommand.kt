package io.github.mvmoe.runner

import io.github.mvmoe.Answer
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.OpenOptions
import io.github.mvmoe.Residency
import io.github.mvmoe.onnx.OnnxEngine
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/**
 * Answers preprocessed images with a bundle, one line of JSON for each.
 *
 * A file has any number of images `[C, H, W]`, one after the other, as little-endian fp32 without a header.
 */
internal object AnswersCommand : Command {
    override val name = "answers"
    override val usage = "BUNDLE INPUT.f32 ... [--target NAME] [--threads N] [--max-experts N]"

    override fun run(
        words: List<String>,
        startedNs: Long,
    ) {
        val given = Words(words, setOf("target", "threads", "max-experts"))
        if (given.plain.size < 2) throw UsageException("${given.plain.size} paths were given")
        val residency = Residency(maxExperts = given.number("max-experts"))
        val options = OpenOptions(target = given.text("target"))
        Dispatcher.open(File(given.plain.first()), OnnxEngine(given.number("threads")), residency, options).use { dispatcher ->
            println(JSON.writeValueAsString(mapOf("engine" to dispatcher.engine, "target" to dispatcher.target.name)))
            for (path in given.plain.drop(1)) {
                for (image in images(File(path), dispatcher)) println(JSON.writeValueAsString(line(dispatcher.run(image).single())))
            }
        }
    }

    /** The images of a file, one by one. */
    private fun images(
        file: File,
        dispatcher: Dispatcher,
    ): List<FloatBuffer> {
        val size =
            dispatcher.bundle.manifest.input.shape
                .fold(1, Int::times)
        val numbers = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        if (numbers.remaining() == 0 || numbers.remaining() % size != 0) {
            throw UsageException("$file has ${numbers.remaining()} numbers, and an image has $size")
        }
        return List(numbers.remaining() / size) { number ->
            val image = numbers.duplicate()
            image.position(number * size).limit((number + 1) * size)
            image.slice()
        }
    }

    private fun line(answer: Answer): Map<String, Any> =
        mapOf(
            "routes" to answer.routes,
            "gates" to answer.gates,
            "router_logits" to answer.routerLogits,
            "last_stage" to answer.lastStage,
            "outputs" to answer.outputs.mapValues { (_, output) -> output.values },
        )
}

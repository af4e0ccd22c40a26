package io.github.mvmoe.runner.soak

import io.github.mvmoe.Answer
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.Residency
import io.github.mvmoe.bundle.DType
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.onnx.OnnxEngine
import java.io.File

/**
 * Answers the golden images of a bundle in turn, for a long time.
 *
 * @property engine what runs the graphs.
 * @property counted the engine whose native objects are counted: [engine] itself, or the one that it hands graphs on to.
 */
internal class Soak(
    private val engine: Engine,
    private val counted: OnnxEngine,
    private val residency: Residency,
) {
    /**
     * What the process holds more after the last answer, and after closing, than it should; empty for no leak.
     *
     * It looks after every so many answers. Each answer has to be that of the same image before, bit for bit.
     */
    fun run(
        root: File,
        answers: Int,
        every: Int,
        show: (Look) -> Unit,
    ): List<String> {
        val looks = ArrayList<Look>()
        val start = System.nanoTime()

        fun look(number: Int) {
            looks += Look.take(number, (System.nanoTime() - start) / NANOSECONDS, counted).also(show)
        }
        Dispatcher.open(root, engine, residency).use { dispatcher ->
            val images = images(dispatcher)
            val first = images.map { values(dispatcher.run(it).single()) }
            for (number in 1..answers) {
                val image = number % images.size
                val values = values(dispatcher.run(images[image]).single())
                check(values.contentEquals(first[image])) { "answer $number, of image $image, is another one than the first" }
                if (number % every == 0) look(number)
            }
        }
        look(answers)
        return Leaks.of(looks)
    }

    /** The golden images `[1, C, H, W]`. */
    private fun images(dispatcher: Dispatcher): List<Tensor> =
        dispatcher.bundle.golden().use { golden ->
            List(golden.images) { number ->
                val shape = listOf(1) + dispatcher.bundle.manifest.input.shape
                Tensor.allocate(DType.FLOAT32, shape).also { it.floats.duplicate().put(golden.image(number)) }
            }
        }

    /** All outputs of an answer. */
    private fun values(answer: Answer): FloatArray =
        answer.outputs.values
            .flatMap { it.values.asList() }
            .toFloatArray()

    private companion object {
        const val NANOSECONDS = 1e9
    }
}

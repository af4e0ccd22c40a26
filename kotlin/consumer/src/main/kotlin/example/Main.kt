package example

import io.github.mvmoe.Dispatcher
import io.github.mvmoe.Residency
import io.github.mvmoe.onnx.OnnxEngine
import java.io.File

/** Opens a bundle, lets the engine answer its golden images, and one image of zeros. */
fun main(arguments: Array<String>) {
    Dispatcher.open(File(arguments.single()), OnnxEngine(threads = 1), Residency(maxExperts = 1)).use { dispatcher ->
        dispatcher.check().requireOk()
        val (channels, height, width) = dispatcher.bundle.manifest.input.shape
        val answer = dispatcher.run(FloatArray(channels * height * width)).single()
        println("${dispatcher.engine}: ${answer.outputs.keys}, routes ${answer.routes}, resident ${dispatcher.resident}")
    }
}

package io.github.mvmoe.runner.bench

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.bench.Engines
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.onnx.ExecutionProvider
import io.github.mvmoe.onnx.OnnxEngine
import io.github.mvmoe.onnx.ThreadPool

/** ONNX Runtime, with the options `pool` and `provider`. */
internal object JvmEngines : Engines {
    private val providers = listOf(ExecutionProvider.Cpu, ExecutionProvider.Xnnpack)

    override fun engine(
        format: String,
        threads: Int,
        options: Map<String, String>,
    ): Engine {
        if (format != FORMAT) throw unknownFormat(format)
        var pool = ThreadPool.SESSION
        var provider: ExecutionProvider = ExecutionProvider.Cpu
        for ((name, value) in options) {
            when (name) {
                "pool" -> pool = ThreadPool.entries.find { it.name.equals(value, ignoreCase = true) } ?: throw unknownOption("$name=$value")
                "provider" -> provider = providers.find { it.name.equals(value, ignoreCase = true) } ?: throw unknownOption("$name=$value")
                else -> throw unknownOption(name)
            }
        }
        return OnnxEngine(threads, provider, pool)
    }

    private const val FORMAT = "onnx"

    private fun unknownFormat(given: String) =
        EngineException(
            ErrorCode.ENGINE_UNSUPPORTED_PLATFORM,
            "this program runs targets of the format $FORMAT, and not $given; give another target",
        )

    private fun unknownOption(given: String) =
        InputException(
            ErrorCode.ENGINE_OPTION,
            "the engine option $given is not one of the JVM's ONNX Runtime; expected pool=session, pool=process, provider=cpu or " +
                "provider=xnnpack",
            mapOf("option" to given),
        )
}

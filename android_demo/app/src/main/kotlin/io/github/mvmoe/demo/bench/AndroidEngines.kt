package io.github.mvmoe.demo.bench

import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtProvider
import android.os.Build
import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.android.Telemetry
import io.github.mvmoe.bench.EngineVariant
import io.github.mvmoe.bench.Engines
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.executorch.ExecuTorchEngine
import io.github.mvmoe.onnx.ExecutionProvider
import io.github.mvmoe.onnx.OnnxEngine
import io.github.mvmoe.onnx.ThreadPool

/**
 * The engines of this app: ONNX Runtime on the CPU, by XNNPACK and by NNAPI, and ExecuTorch, as far as they were built in.
 *
 * Asking for [ways] loads ONNX Runtime's library, which is no work for the main thread.
 */
internal class AndroidEngines : Engines {
    /** Every way that this app knows to run a target, the usual one of each format first. */
    val ways: List<EngineWay> by lazy { onnxWays() + executorchWay() }

    /** The ways that work in this build, on this phone. */
    val variants: List<EngineVariant> get() = ways.filter { it.missing == null }.map { it.variant }

    /** The version of ONNX Runtime; null where the app has none. */
    val onnxRuntimeVersion: String? by lazy {
        Telemetry.disable()
        orNull { OrtEnvironment.getEnvironment().version }
    }

    override fun engine(
        format: String,
        threads: Int,
        options: Map<String, String>,
    ): Engine =
        when (format) {
            ONNX -> onnx(threads, options)
            EXECUTORCH -> executorch(threads, options)
            else -> throw noEngine(format)
        }

    private fun onnx(
        threads: Int,
        options: Map<String, String>,
    ): Engine {
        Telemetry.disable()
        options.keys.firstOrNull { it != PROVIDER && it != POOL }?.let { throw unknown(it, options) }
        val provider =
            when (options[PROVIDER]) {
                null, "cpu" -> ExecutionProvider.Cpu
                "xnnpack" -> ExecutionProvider.Xnnpack
                "nnapi" -> ExecutionProvider.Nnapi()
                else -> throw unknown(PROVIDER, options)
            }
        val pool =
            when (val asked = options[POOL]) {
                null -> ThreadPool.SESSION
                else -> ThreadPool.entries.find { it.name.equals(asked, ignoreCase = true) } ?: throw unknown(POOL, options)
            }
        return OnnxEngine(threads, provider, pool)
    }

    private fun executorch(
        threads: Int,
        options: Map<String, String>,
    ): Engine {
        options.keys.firstOrNull()?.let { throw unknown(it, options) }
        if (!hasExecuTorch()) throw noEngine(EXECUTORCH)
        return ExecuTorchEngine(threads)
    }

    private fun onnxWays(): List<EngineWay> {
        val version = onnxRuntimeVersion
        val built = if (version == null) emptySet() else orNull { OrtEnvironment.getAvailableProviders().toSet() }.orEmpty()
        val name = "ONNX Runtime ${version.orEmpty()}".trim() + ", Android"

        fun way(
            provider: OrtProvider,
            shown: String,
            options: Map<String, String>,
            label: String,
        ) = EngineWay(EngineVariant(ONNX, name, shown, options, label), missing(provider, built))
        return listOf(
            way(OrtProvider.CPU, "CPU", emptyMap(), ""),
            way(OrtProvider.XNNPACK, "XNNPACK", mapOf(PROVIDER to "xnnpack"), "XNNPACK"),
            way(OrtProvider.NNAPI, "NNAPI", mapOf(PROVIDER to "nnapi"), "NNAPI"),
        )
    }

    private fun missing(
        provider: OrtProvider,
        built: Set<OrtProvider>,
    ): Missing? =
        when {
            provider !in built -> Missing.NOT_BUILT
            provider == OrtProvider.NNAPI && Build.VERSION.SDK_INT < Build.VERSION_CODES.O_MR1 -> Missing.SYSTEM_TOO_OLD
            else -> null
        }

    private fun executorchWay(): EngineWay =
        EngineWay(EngineVariant(EXECUTORCH, "ExecuTorch, Android", "XNNPACK"), if (hasExecuTorch()) null else Missing.NOT_BUILT)

    /** Looks for the class without loading its library, which a missing ABI would make fail. */
    private fun hasExecuTorch(): Boolean =
        try {
            Class.forName("org.pytorch.executorch.Module", false, javaClass.classLoader)
            true
        } catch (_: ClassNotFoundException) {
            false
        }

    private fun <T> orNull(ask: () -> T): T? =
        try {
            ask()
        } catch (_: LinkageError) {
            null // The app has no library of ONNX Runtime for this phone's ABI.
        }

    private fun unknown(
        name: String,
        options: Map<String, String>,
    ) = InputException(
        ErrorCode.ENGINE_OPTION,
        "the engine option $name=${options[name]} was given; expected provider=cpu, xnnpack or nnapi, or pool=session or process, of onnx",
        mapOf("option" to name),
    )

    private fun noEngine(format: String) =
        EngineException(
            ErrorCode.ENGINE_UNSUPPORTED_PLATFORM,
            "this app has no engine for the format $format; measure another target, or build the app with it",
            mapOf("format" to format),
        )

    private companion object {
        const val ONNX = "onnx"
        const val EXECUTORCH = "executorch"
        const val PROVIDER = "provider"
        const val POOL = "pool"
    }
}

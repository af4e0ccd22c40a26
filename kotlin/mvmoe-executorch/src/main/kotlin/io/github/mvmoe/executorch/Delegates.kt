package io.github.mvmoe.executorch

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.bundle.Target
import org.pytorch.executorch.ExecuTorchRuntime

/** ExecuTorch's names for the delegates of a bundle; its own kernels, `portable`, are none. */
private val BACKENDS = mapOf("xnnpack" to "XnnpackBackend", "coreml" to "CoreMLBackend")

/**
 * The delegate that a target was lowered to.
 *
 * @throws EngineException `engine.unsupported-platform` where this build of ExecuTorch lacks it.
 */
internal fun requireDelegate(target: Target): String {
    val delegate = target.options["delegate"] as? String ?: "portable"
    // It also loads the library, so that one that is missing is noticed now.
    val available = ExecuTorchRuntime.getRegisteredBackends()
    val backend = BACKENDS[delegate]
    if (backend == null || backend in available) return delegate
    throw EngineException(
        ErrorCode.ENGINE_UNSUPPORTED_PLATFORM,
        "target ${target.name} runs through ExecuTorch's delegate $delegate, and this build of ExecuTorch has " +
            "${available.sorted().joinToString().ifEmpty { "none" }}; take a build or a device that has it, or export with " +
            "--executorch-delegate xnnpack",
        mapOf("target" to target.name),
    )
}

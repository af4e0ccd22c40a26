package io.github.mvmoe.executorch

import org.pytorch.executorch.ExecutorchRuntimeException
import org.pytorch.executorch.Module
import java.lang.reflect.InvocationTargetException
import java.lang.reflect.Method

/**
 * `Module.loadMethod`, which loads a method at once instead of in its first run.
 *
 * Releases of executorch-android differ: it returns the number of an error, or returns nothing and throws. A compiled call of one
 * does not link with the other, so it is called by its name.
 */
internal object MethodLoading {
    private val loadMethod by lazy { Module::class.java.getMethod("loadMethod", String::class.java) }

    /** Throws what ExecuTorch throws, for an error's number too. */
    fun load(
        module: Module,
        method: String,
    ) {
        val error = call(loadMethod, module, method)
        if (error != 0) throw ExecutorchRuntimeException.makeExecutorchException(error, "method $method")
    }

    /** The number of the error, 0 for none. */
    internal fun call(
        loadMethod: Method,
        module: Any,
        method: String,
    ): Int =
        try {
            loadMethod.invoke(module, method) as? Int ?: 0
        } catch (thrown: InvocationTargetException) {
            throw thrown.targetException
        }
}

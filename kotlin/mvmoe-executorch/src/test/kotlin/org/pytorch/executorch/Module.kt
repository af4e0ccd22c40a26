package org.pytorch.executorch

import java.io.File
import java.util.concurrent.atomic.AtomicBoolean

class Module private constructor(
    private val methods: Map<String, FakeMethod>,
) {
    private val isRunning = AtomicBoolean(false)
    private var isOpen = true

    fun loadMethod(methodName: String): Int = methods[methodName]?.load() ?: INVALID_ARGUMENT

    fun execute(
        methodName: String,
        vararg inputs: EValue,
    ): Array<EValue> {
        if (!isOpen) FakeExecuTorch.faults += "$methodName was run after its module's end"
        if (!isRunning.compareAndSet(false, true)) FakeExecuTorch.faults += "two calls of $methodName at once"
        try {
            return methods.getValue(methodName).run(inputs.map { it.toTensor() })
        } finally {
            isRunning.set(false)
        }
    }

    fun destroy() {
        if (isRunning.get()) FakeExecuTorch.faults += "a module was destroyed while it ran"
        FakeExecuTorch.remove(this)
        isOpen = false
        methods.values.forEach(FakeMethod::close)
    }

    companion object {
        const val LOAD_MODE_MMAP = 1
        private const val INVALID_ARGUMENT = 0x12

        @JvmStatic
        fun load(
            modelPath: String,
            loadMode: Int,
            numThreads: Int,
        ): Module {
            val program = File(modelPath)
            if (!program.canRead()) throw RuntimeException("Cannot load model path $modelPath")
            if (loadMode != LOAD_MODE_MMAP) FakeExecuTorch.faults += "a file was read instead of mapped"
            val methods = program.readLines().map { FakeMethod.parse(it, program.parentFile) }
            FakeExecuTorch.loads += program.name
            return Module(methods.associateBy { it.name }).also { FakeExecuTorch.add(it, numThreads) }
        }
    }
}

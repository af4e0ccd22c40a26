package org.pytorch.executorch

class ExecuTorchRuntime private constructor() {
    companion object {
        @JvmStatic
        fun getRegisteredBackends(): Array<String> = FakeExecuTorch.backends
    }
}

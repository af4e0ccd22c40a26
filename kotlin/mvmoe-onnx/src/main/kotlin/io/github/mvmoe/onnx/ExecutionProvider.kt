package io.github.mvmoe.onnx

/** What of ONNX Runtime computes a graph's nodes; those that it does not take run on the CPU. */
public sealed class ExecutionProvider(
    /** Its name in ONNX Runtime, without the suffix: `CPU`. */
    public val name: String,
) {
    override fun toString(): String = name

    /** ONNX Runtime's own kernels, in every build of it. */
    public object Cpu : ExecutionProvider("CPU")

    /**
     * XNNPACK's kernels, with threads of their own: as many as the engine has been given.
     *
     * ONNX Runtime's own threads, which would take their cores, are then one, which does not spin.
     */
    public object Xnnpack : ExecutionProvider("XNNPACK")

    /**
     * Android's Neural Networks API.
     *
     * It is there for comparisons: Android 15 has deprecated it, and where a driver lacks an operator it goes on slowly without
     * saying so. Measure before it ships, and call `Dispatcher.check()` on each device.
     *
     * @property fp16 computes in fp16.
     * @property cpuDisabled leaves out NNAPI's own CPU implementation, which is slower than ONNX Runtime's.
     */
    public class Nnapi
        @JvmOverloads
        constructor(
            public val fp16: Boolean = false,
            public val cpuDisabled: Boolean = false,
        ) : ExecutionProvider("NNAPI")
}

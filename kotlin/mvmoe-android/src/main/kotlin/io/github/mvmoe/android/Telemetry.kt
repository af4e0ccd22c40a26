package io.github.mvmoe.android

import android.system.Os

/** The reports that ONNX Runtime sends to Microsoft. */
public object Telemetry {
    /**
     * Switches them off for this process.
     *
     * It has an effect until ONNX Runtime's library is loaded, which the first `OrtEnvironment` does: ONNX Runtime's own switch is
     * too late, since loading the library is reported already. [AndroidDispatchers] call it. Where other code of the application
     * uses ONNX Runtime first, call it in `Application.onCreate`.
     */
    @JvmStatic
    public fun disable(): Unit = Os.setenv(VARIABLE, "1", true)

    internal const val VARIABLE = "ORT_DISABLE_TELEMETRY"
}

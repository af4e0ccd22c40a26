package io.github.mvmoe.demo.bench

import android.app.ActivityManager
import android.content.Context
import android.os.Build
import io.github.mvmoe.bench.DeviceDescription

/** What this phone is and can do, as measurements have it. */
internal fun describePhone(
    context: Context,
    engines: AndroidEngines,
): DeviceDescription =
    DeviceDescription(
        device = "android",
        java = "${System.getProperty("java.vm.name")} ${System.getProperty("java.vm.version")}",
        abi = Build.SUPPORTED_ABIS.first(),
        variants = engines.variants,
        packages = listOfNotNull(engines.onnxRuntimeVersion?.let { "onnxruntime" to it }, "kotlin" to "${KotlinVersion.CURRENT}").toMap(),
        identity =
            linkedMapOf(
                "cpu" to processor(),
                "cores_logical" to Runtime.getRuntime().availableProcessors(),
                "memory_bytes" to memoryBytes(context),
                "os" to "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})",
                "model" to "${Build.MANUFACTURER} ${Build.MODEL}",
                "build" to Build.FINGERPRINT,
            ),
    )

/** Which chip it is; before Android 12, and where the maker does not say, only the name of the board is known. */
private fun processor(): String {
    val isTold = Build.VERSION.SDK_INT >= Build.VERSION_CODES.S && Build.SOC_MODEL != Build.UNKNOWN
    return if (isTold) "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}" else Build.HARDWARE
}

private fun memoryBytes(context: Context): Long =
    ActivityManager.MemoryInfo().also(context.getSystemService(ActivityManager::class.java)::getMemoryInfo).totalMem

package io.github.mvmoe.demo.bench

import android.app.ActivityManager
import android.content.Context
import android.os.Build
import io.github.mvmoe.bench.DeviceDescription
import io.github.mvmoe.demo.NewerAndroid

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
private fun processor(): String = (if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) SystemOnChip.name() else null) ?: Build.HARDWARE

@NewerAndroid
private object SystemOnChip {
    /** Null where the maker does not say. */
    fun name(): String? = if (Build.SOC_MODEL == Build.UNKNOWN) null else "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}"
}

private fun memoryBytes(context: Context): Long =
    ActivityManager.MemoryInfo().also(context.getSystemService(ActivityManager::class.java)::getMemoryInfo).totalMem

package io.github.mvmoe.demo.bench

import android.content.Context
import android.os.Debug
import io.github.mvmoe.android.ThermalState
import io.github.mvmoe.android.ThermalStatus
import io.github.mvmoe.bench.Held
import io.github.mvmoe.bench.Machine
import io.github.mvmoe.bench.Thermal
import java.io.File
import java.io.IOException
import java.util.Locale

/** What Android says of the app's process and of the phone's heat. */
internal class AndroidMachine(
    context: Context,
) : Machine {
    private val heat = ThermalState(context)

    override val memoryKind: String get() = "pss"

    override fun threadCpuNs(): Long? = Debug.threadCpuTimeNanos().takeIf { it > 0 }

    override fun held(bundle: File): Held {
        System.gc()
        return Held(pss() ?: 0)
    }

    override fun peakRss(): Long? =
        try {
            peakOf(File("/proc/self/status").readText())
        } catch (_: IOException) {
            null
        }

    override fun pss(): Long? = (Debug.getPss() * KILOBYTE).takeIf { it > 0 }

    override fun thermal(): Thermal? {
        val status = heat.status.takeIf { it != ThermalStatus.UNKNOWN } ?: return null
        return Thermal(status.name.lowercase(Locale.ROOT), heat.headroom(0)?.toDouble())
    }

    companion object {
        private const val KILOBYTE = 1024L
        private val PEAK = Regex("""^VmHWM:\s+(\d+) kB$""", RegexOption.MULTILINE)

        /** The largest resident set in bytes, of what Linux says of a process. */
        fun peakOf(status: String): Long? = PEAK.find(status)?.let { it.groupValues[1].toLong() * KILOBYTE }
    }
}

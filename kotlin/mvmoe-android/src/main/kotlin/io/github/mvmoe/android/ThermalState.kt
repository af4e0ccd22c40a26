package io.github.mvmoe.android

import android.content.Context
import android.os.Build
import android.os.PowerManager
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flowOf

/**
 * How hot the device is: what an application looks at before it answers fewer images a second, or takes a smaller model.
 *
 * @param context any context of the application.
 */
public class ThermalState(
    context: Context,
) {
    private val power = context.applicationContext.getSystemService(PowerManager::class.java)

    /** The status now. */
    public val status: ThermalStatus
        get() = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) Thermal.status(power) else ThermalStatus.UNKNOWN

    /** The status now, and whenever it changes, until the collector ends; a slow collector gets the last one. */
    public val statuses: Flow<ThermalStatus>
        get() = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) Thermal.statuses(power) else flowOf(ThermalStatus.UNKNOWN)

    /**
     * How near the device will be to throttling in that many seconds: 1 is [ThermalStatus.SEVERE], 0 is 30 degrees Celsius below it.
     *
     * Null where the system does not say: before Android 11, without a sensor, or asked more than once a second.
     *
     * @param seconds 0 to 60; 0 for now.
     */
    public fun headroom(seconds: Int): Float? {
        require(seconds in 0..MOST_SECONDS) { "seconds $seconds was given; expected 0 to $MOST_SECONDS" }
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) return null
        return Thermal.headroom(power, seconds).takeUnless(Float::isNaN)
    }

    private companion object {
        const val MOST_SECONDS = 60
    }
}

/** What `PowerManager` has since Android 10 (API 29), and 11. */
@NewerAndroid
private object Thermal {
    // The order of both is that of heat, and Android's numbers begin with 0.
    private fun statusOf(number: Int) = ThermalStatus.entries.getOrElse(number + 1) { ThermalStatus.UNKNOWN }

    fun status(power: PowerManager): ThermalStatus = statusOf(power.currentThermalStatus)

    fun statuses(power: PowerManager): Flow<ThermalStatus> =
        callbackFlow {
            val listener = PowerManager.OnThermalStatusChangedListener { trySend(statusOf(it)) }
            // Not every device calls it at the beginning.
            trySend(status(power))
            power.addThermalStatusListener(listener)
            awaitClose { power.removeThermalStatusListener(listener) }
        }.conflate().distinctUntilChanged()

    fun headroom(
        power: PowerManager,
        seconds: Int,
    ): Float = power.getThermalHeadroom(seconds)
}

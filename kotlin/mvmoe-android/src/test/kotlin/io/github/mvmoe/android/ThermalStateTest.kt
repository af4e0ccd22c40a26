package io.github.mvmoe.android

import android.content.Context
import android.os.PowerManager
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.UnconfinedTestDispatcher
import kotlinx.coroutines.test.runTest
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows
import org.robolectric.util.ReflectionHelpers
import kotlin.test.assertEquals
import kotlin.test.assertNull

@RunWith(RobolectricTestRunner::class)
class ThermalStateTest {
    private val context: Context = RuntimeEnvironment.getApplication()
    private val power = Shadows.shadowOf(context.getSystemService(PowerManager::class.java))
    private val state = ThermalState(context)

    private fun <T> onAndroid(
        version: Int,
        block: () -> T,
    ): T {
        val found = android.os.Build.VERSION.SDK_INT
        ReflectionHelpers.setStaticField(android.os.Build.VERSION::class.java, "SDK_INT", version)
        try {
            return block()
        } finally {
            ReflectionHelpers.setStaticField(android.os.Build.VERSION::class.java, "SDK_INT", found)
        }
    }

    @Test
    fun `each of Android's numbers has its name`() {
        val names = (0..6).map { power.setCurrentThermalStatus(it).let { state.status } }
        assertEquals(ThermalStatus.entries - ThermalStatus.UNKNOWN, names)
        power.setCurrentThermalStatus(PowerManager.THERMAL_STATUS_SEVERE)
        assertEquals(ThermalStatus.SEVERE, state.status)
    }

    @OptIn(ExperimentalCoroutinesApi::class)
    @Test
    fun `changes are given until the collector ends`() =
        runTest(UnconfinedTestDispatcher()) {
            val found = ArrayList<ThermalStatus>()
            val collecting = launch { state.statuses.collect { found += it } }
            for (status in listOf(0, 2, 2, 4, 0)) power.setCurrentThermalStatus(status)
            collecting.cancel()
            assertEquals(listOf(ThermalStatus.NONE, ThermalStatus.MODERATE, ThermalStatus.CRITICAL, ThermalStatus.NONE), found)
            assertEquals(0, power.thermalStatusListeners.size)
        }

    @Test
    fun `Android before 10 says nothing`(): Unit =
        onAndroid(28) {
            assertEquals(ThermalStatus.UNKNOWN, state.status)
            assertEquals(listOf(ThermalStatus.UNKNOWN), runBlocking { state.statuses.toList() })
            assertNull(state.headroom(0))
        }

    @Test
    fun `what is asked for is within a minute`() {
        for (seconds in listOf(-1, 61)) assertThrows(IllegalArgumentException::class.java) { state.headroom(seconds) }
        assertNull(onAndroid(29) { state.headroom(10) })
        assertEquals(ThermalStatus.NONE, runBlocking { power.setCurrentThermalStatus(0).let { state.statuses.first() } })
    }
}

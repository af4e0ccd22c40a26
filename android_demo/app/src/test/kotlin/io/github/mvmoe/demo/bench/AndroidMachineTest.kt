package io.github.mvmoe.demo.bench

import android.content.Context
import android.os.PowerManager
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class AndroidMachineTest {
    private val context: Context get() = RuntimeEnvironment.getApplication()
    private val machine get() = AndroidMachine(context)

    @Test
    fun `the peak is what Linux says of the process`() {
        assertEquals(123_904, AndroidMachine.peakOf("Name:\tdemo\nVmPeak:\t  999 kB\nVmHWM:\t  121 kB\nVmRSS:\t   12 kB\n"))
        assertNull(AndroidMachine.peakOf("Name:\tdemo\n"))
        assertTrue(assertNotNull(machine.peakRss()) > 1_000_000)
    }

    @Test
    fun `heat has the system's word in small letters`() {
        shadowOf(context.getSystemService(PowerManager::class.java)).setCurrentThermalStatus(PowerManager.THERMAL_STATUS_MODERATE)
        assertEquals("moderate", machine.thermal()?.status)
    }

    @Test
    fun `memory is the proportional set size`() {
        assertEquals("pss", machine.memoryKind)
        // Robolectric says that there is none.
        assertNull(machine.pss())
        assertEquals(0, machine.held(File("/")).total)
    }
}

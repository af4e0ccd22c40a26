package io.github.mvmoe.demo

import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import kotlin.test.assertEquals
import kotlin.test.assertNotNull

@RunWith(RobolectricTestRunner::class)
class MainActivityTest {
    @Test
    fun `the activity starts with the first tab`() {
        Robolectric.buildActivity(MainActivity::class.java).use { controller ->
            val activity = controller.setup().get()
            assertNotNull(activity.findViewById(R.id.answer))
            val tabs = activity.findViewById<io.github.mvmoe.demo.views.TabBar>(R.id.tabs)
            assertEquals(0, tabs.selected)
        }
    }
}

package io.github.mvmoe.demo.bench

import kotlin.test.Test
import kotlin.test.assertEquals

class BackgroundTimeTest {
    private var now = 0L
    private val background = BackgroundTime { now * 1_000_000_000L }

    private fun leaveFor(seconds: Int) {
        background.leave()
        now += seconds
        background.comeBack()
    }

    @Test
    fun `a phone that is turned was not in the background`() {
        leaveFor(1)
        assertEquals(0, background.seconds)
    }

    @Test
    fun `times add up, and one that goes on counts`() {
        leaveFor(3)
        now += 100
        leaveFor(4)
        assertEquals(7, background.seconds)
        background.leave()
        now += 10
        assertEquals(17, background.seconds)
    }

    @Test
    fun `a new run counts from its beginning`() {
        leaveFor(5)
        background.reset()
        assertEquals(0, background.seconds)
        background.leave()
        now += 8
        background.reset()
        now += 3
        assertEquals(3, background.seconds)
    }
}

package io.github.mvmoe.demo.bench

/** Keeps numbers, and gives their median. */
internal class Median {
    private var values = LongArray(FEW)

    var count = 0
        private set

    operator fun plusAssign(value: Long) {
        if (count == values.size) values = values.copyOf(2 * count)
        values[count++] = value
    }

    /** Of all numbers; null without any. */
    fun get(): Long? {
        if (count == 0) return null
        val sorted = values.copyOf(count).apply { sort() }
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }

    private companion object {
        const val FEW = 1024
    }
}

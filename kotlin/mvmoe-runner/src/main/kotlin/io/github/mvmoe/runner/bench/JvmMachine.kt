package io.github.mvmoe.runner.bench

import io.github.mvmoe.bench.Held
import io.github.mvmoe.bench.Machine
import io.github.mvmoe.bench.Thermal
import io.github.mvmoe.runner.bench.machine.OwnMemory
import java.io.File
import java.lang.management.ManagementFactory

/** This process on this machine: a JVM on Linux. */
internal object JvmMachine : Machine {
    private val threads = ManagementFactory.getThreadMXBean()

    override val memoryKind: String get() = OwnMemory.KIND

    override fun threadCpuNs(): Long = threads.currentThreadCpuTime

    override fun held(bundle: File): Held = OwnMemory(bundle).held()

    override fun peakRss(): Long? = OwnMemory.peakRss()

    override fun pss(): Long? = OwnMemory.pss()

    /** A JVM does not know. */
    override fun thermal(): Thermal? = null
}

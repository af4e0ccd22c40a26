package io.github.mvmoe.bench

import java.io.File

/**
 * What only a platform knows of the process and of the machine.
 *
 * All methods may be called from any thread. None of them is called while an answer is timed.
 */
public interface Machine {
    /** What [held] counts: `own` (anonymous memory and the bundle's own pages) or `pss` (the proportional set size). */
    public val memoryKind: String

    /** Nanoseconds of CPU that the calling thread has used; null where the system does not say. */
    public fun threadCpuNs(): Long?

    /** What the process holds at this moment, after a collection of the heap. */
    public fun held(bundle: File): Held

    /** The largest resident set that the process ever had, in bytes, shared libraries included; null where the system does not say. */
    public fun peakRss(): Long?

    /** The proportional set size of the process in bytes, without a collection; null where the system does not say. */
    public fun pss(): Long?

    /** How hot the device is; null where the system does not say. Asked no more often than once a second. */
    public fun thermal(): Thermal?
}

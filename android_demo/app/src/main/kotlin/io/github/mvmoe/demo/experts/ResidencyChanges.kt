package io.github.mvmoe.demo.experts

import io.github.mvmoe.Pin
import io.github.mvmoe.Residency

/** The same limits, with one pin more or less. */
internal fun Residency.withPin(
    changed: Pin,
    isPinned: Boolean,
): Residency = Residency(maxExperts, maxBytes, if (isPinned) (pin - changed) + changed else pin - changed)

/** The same but for the most experts in memory; null for no limit. */
internal fun Residency.withMaxExperts(most: Int?): Residency = Residency(most, maxBytes, pin)

/** The same but for the most bytes in memory; null for no limit. */
internal fun Residency.withMaxBytes(most: Long?): Residency = Residency(maxExperts, most, pin)

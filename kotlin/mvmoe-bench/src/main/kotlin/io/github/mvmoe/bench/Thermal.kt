package io.github.mvmoe.bench

/**
 * How hot a device is.
 *
 * @property status the system's word in small letters: `none`, `light`, `moderate`, `severe`, `critical`, `emergency`, `shutdown`
 * @property headroom how near the device is to severe throttling: at 1 it throttles; null where the system does not say.
 */
public class Thermal
    @JvmOverloads
    constructor(
        public val status: String,
        public val headroom: Double? = null,
    )

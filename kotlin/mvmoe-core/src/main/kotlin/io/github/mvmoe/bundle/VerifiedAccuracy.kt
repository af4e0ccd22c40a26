package io.github.mvmoe.bundle

/**
 * How often the best class was right, on images with labels.
 *
 * @property images how many there were.
 * @property reference the share of them on which PyTorch was right, from 0 to 1.
 * @property target the share of them on which the graphs were right, from 0 to 1.
 * @property leastLoss what the graphs lose at least, as a share: the lower end of a 95% interval, below 0 where they gain.
 * @property mostLoss what they lose at most: its upper end.
 */
public class VerifiedAccuracy internal constructor(
    public val images: Long,
    public val reference: Double,
    public val target: Double,
    public val leastLoss: Double,
    public val mostLoss: Double,
)

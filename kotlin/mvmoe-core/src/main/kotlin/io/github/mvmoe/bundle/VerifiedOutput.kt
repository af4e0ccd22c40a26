package io.github.mvmoe.bundle

/**
 * How one output compared with PyTorch, over all images.
 *
 * @property kind the output's kind.
 * @property measure what the images decide, in words; null for a kind that decides nothing.
 * @property agreement the share of it that is the same, from 0 to 1; null for a kind that decides nothing.
 * @property maxAbsError the largest error.
 * @property maxRelError the largest error, relative to the largest value.
 * @property rmsError the root of the mean squared error.
 * @property psnrDb the peak signal-to-noise ratio in decibels; null where nothing differs.
 */
public class VerifiedOutput internal constructor(
    public val kind: String,
    public val measure: String?,
    public val agreement: Double?,
    public val maxAbsError: Double,
    public val maxRelError: Double,
    public val rmsError: Double,
    public val psnrDb: Double?,
)

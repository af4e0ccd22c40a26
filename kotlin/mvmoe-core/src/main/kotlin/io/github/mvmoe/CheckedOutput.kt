package io.github.mvmoe

/**
 * How far an engine's values of one output agree with the golden ones.
 *
 * @property kind of the output: `logits`, `boxes`, ...
 * @property measure says in words what [agreement] is, near-ties left out; null for a kind of output that decides nothing.
 * @property agreement the share of what the images decide that is the same, 0 to 1; null as [measure] is.
 * @property leastAgreement what [agreement] must be at least.
 * @property error the largest, relative to the largest golden value.
 */
public class CheckedOutput internal constructor(
    public val kind: String,
    public val measure: String?,
    public val agreement: Double?,
    public val leastAgreement: Double?,
    public val error: Double,
) {
    /** Whether the agreement is what it must be. */
    public val agrees: Boolean get() = leastAgreement == null || agreement == null || agreement >= leastAgreement
}

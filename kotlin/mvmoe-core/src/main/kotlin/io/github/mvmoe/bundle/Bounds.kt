package io.github.mvmoe.bundle

/**
 * How far a target's graphs may be from PyTorch; the defaults are those of any engine in fp32. Errors are relative to the
 * largest reference value.
 *
 * A bundle may ask for anything: whoever relies on its bounds needs limits of its own.
 *
 * @property routerError largest error of a router's logit.
 * @property answerError largest error of an output.
 * @property psnrDb least peak signal-to-noise ratio of an output of a route, in decibels.
 * @property agreement least share of what the images of a route decide that is the same, near-ties left out.
 * @property routingAgreement least share of images with the same route, near-ties left out.
 * @property ownErrorFactor how many times PyTorch's own fp32 error an ill-conditioned model's graphs may be off by.
 * @property conditionedError the most that this allows.
 * @property reason why these numbers.
 */
public class Bounds internal constructor(
    public val routerError: Double = 1e-4,
    public val answerError: Double = 1e-4,
    public val psnrDb: Double = 90.0,
    public val agreement: Double = 1.0,
    public val routingAgreement: Double = 1.0,
    public val ownErrorFactor: Double = 8.0,
    public val conditionedError: Double = 5e-3,
    public val reason: String = "",
)

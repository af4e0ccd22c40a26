package io.github.mvmoe.bundle

/**
 * How the target's graphs in a row compared with PyTorch at export (`docs/verify.md`). For people and reports.
 *
 * @property images golden images that were taken through all graphs.
 * @property routingAgreement share of them with PyTorch's route.
 * @property routerError largest error of a router's logit, relative to the largest one.
 * @property routerErrorBound what it had to meet.
 * @property answerError largest error of any output, relative to the largest value of that output on its route.
 * @property answerErrorBound what it had to meet.
 * @property outputs how each output compared, by its name.
 * @property nearTies images whose route rounding may flip.
 * @property forcedRoutes routes that none of the images took and that were forced.
 * @property accuracy how often the best class was right; null where images had no labels.
 */
public class Verification internal constructor(
    public val images: Long,
    public val routingAgreement: Double,
    public val routerError: Double,
    public val routerErrorBound: Double,
    public val answerError: Double,
    public val answerErrorBound: Double,
    public val outputs: Map<String, VerifiedOutput>,
    public val nearTies: Long,
    public val forcedRoutes: Long,
    public val accuracy: VerifiedAccuracy?,
)

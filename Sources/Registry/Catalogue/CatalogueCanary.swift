import Foundation

/// A canary as answers to devices need it.
public struct CatalogueCanary: Sendable {
    /// Which devices get the candidate.
    public let assignment: CanaryAssignment
    /// From when on nobody gets it any more, even where no trainer is there to end the canary.
    public let deadline: Date
    /// The release on trial.
    public let candidate: CatalogueRelease

    /// Whether a device gets the candidate now.
    public func gives(to device: String) -> Bool { assignment.includes(device) && Date() < deadline }
}

public import Foundation

/// A canary as answers to devices need it.
public struct CatalogueCanary<Release: Sendable>: Sendable {
    /// Which devices get the candidate.
    public let assignment: CanaryAssignment
    /// From when on nobody gets it any more, even where no trainer is there to end the canary.
    public let deadline: Date
    /// The release on trial.
    public let candidate: Release

    public init(assignment: CanaryAssignment, deadline: Date, candidate: Release) {
        self.assignment = assignment
        self.deadline = deadline
        self.candidate = candidate
    }

    /// Whether a device gets the candidate at a time; by default now.
    public func gives(to device: String, at time: Date = Date()) -> Bool {
        assignment.includes(device) && time < deadline
    }
}

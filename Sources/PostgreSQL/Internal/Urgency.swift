import Synchronization

/// Whether the program that owns a pool is about to end, so that nothing of it may wait for long.
final class Urgency: Sendable {
    private let flag = Atomic<Bool>(false)

    /// What a silent server gets then.
    static let patience = Duration.seconds(2)

    var isUrgent: Bool { flag.load(ordering: .acquiring) }

    func begin() { flag.store(true, ordering: .releasing) }

    /// `duration`, or less where it is urgent.
    func limit(_ duration: Duration) -> Duration { isUrgent ? min(duration, Self.patience) : duration }
}

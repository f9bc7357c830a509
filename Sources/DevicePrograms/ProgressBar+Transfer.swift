public import CommandSupport
public import EdgeClient

extension ProgressBar {
    /// Draws a client's progress.
    public func show(_ progress: TransferProgress) {
        switch progress {
        case .expected(let bytes): expect(bytes)
        case .moved(let bytes): advance(bytes)
        }
    }
}

import NIOCore

extension NIODeadline {
    /// This time plus a duration, at most the distant future.
    func advanced(by duration: Duration) -> NIODeadline {
        let (sum, overflow) = Int64(bitPattern: uptimeNanoseconds).addingReportingOverflow(duration.wholeNanoseconds)
        return overflow ? .distantFuture : .uptimeNanoseconds(UInt64(max(0, sum)))
    }
}

extension Duration {
    /// The duration in nanoseconds, kept within `Int64`.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflows) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflows ? .max : sum
    }

    /// The duration in milliseconds, rounded up and kept within 1...`Int32.max`: a call's `timeout_ms`.
    var wholeMilliseconds: Int32 {
        let nanoseconds = wholeNanoseconds
        guard nanoseconds > 0 else { return 1 }
        return Int32(clamping: nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1))
    }
}

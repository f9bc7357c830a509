import NIOCore

/// How long the frame that is arriving may still take: a peer that trickles bytes does not hold a connection forever.
struct FrameClock {
    /// A frame that has begun to arrive.
    private struct Arrival {
        /// Which frame of the connection.
        var frame: UInt64
        var began: NIODeadline
        /// Whether the header has arrived, and the deadline grants time for the size it announces.
        var hasHeader: Bool
        var deadline: NIODeadline
    }

    let timeout: Duration
    let minimumBytesPerSecond: Int
    private var arrival: Arrival?

    init(timeout: Duration, minimumBytesPerSecond: Int) {
        self.timeout = timeout
        self.minimumBytesPerSecond = minimumBytesPerSecond
    }

    var isRunning: Bool { arrival != nil }

    /// When the frame must be whole; `nil` where none is arriving.
    var deadline: NIODeadline? { arrival?.deadline }

    /// Notes what has arrived. While this side declines to read, the clock stands still.
    mutating func observe(_ decoder: FrameDecoder, isReading: Bool, now: NIODeadline) {
        guard decoder.bufferedBytes > 0, isReading else {
            arrival = nil
            return
        }
        let frame = decoder.framesDecoded
        let known = arrival?.frame == frame ? arrival : nil
        if let known, known.hasHeader { return }
        let announced = decoder.announcedFrameBytes
        var granted = timeout
        if let announced { granted += .seconds(announced / minimumBytesPerSecond) }
        let began = known?.began ?? now
        arrival = Arrival(
            frame: frame, began: began, hasHeader: announced != nil, deadline: began.advanced(by: granted))
    }

    /// Whether the frame that was arriving is still not whole, past its time.
    func isOverdue(_ decoder: FrameDecoder, now: NIODeadline) -> Bool {
        guard let arrival else { return false }
        return arrival.deadline <= now && arrival.frame == decoder.framesDecoded
    }
}

import NIOCore

/// What carries a connection's bytes: a socket's channel, or a pipe in memory. Confined to one event loop.
protocol ByteTransport: AnyObject {
    /// Whether the peer keeps up: false while more than the high-water mark waits to be taken.
    var isWritable: Bool { get }
    /// Bytes written that the peer's side has not taken yet.
    var pendingBytes: Int { get }
    func write(_ bytes: ByteBuffer)
    func flush()
    /// Goes on reading after the receiver had declined, if it wants bytes now.
    func resumeReading()
    /// Ends the connection now; what waits to be taken is lost.
    func close()
    /// Ends the connection once everything written has been taken.
    func closeAfterFlush()
}

/// One end's protocol logic above a ``ByteTransport``. Confined to the transport's event loop.
protocol ByteReceiver: AnyObject {
    /// Whether to read more; back-pressure on the peer while false.
    var wantsBytes: Bool { get }
    func opened(over transport: any ByteTransport)
    func received(_ bytes: ByteBuffer)
    /// Everything available for now has been received: the time to flush.
    func burstEnded()
    func writabilityChanged()
    /// The connection is over. Called once, last.
    func closed()
}

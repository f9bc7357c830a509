import DequeModule
import NIOCore

/// Two ends of a connection within the process, on one event loop: what one end writes the other receives, with the
/// same back-pressure and close behaviour as a socket.
enum InMemoryPipe {
    /// Joins two receivers and opens both. Call on `eventLoop`.
    static func join(_ first: any ByteReceiver, _ second: any ByteReceiver, on eventLoop: any EventLoop) {
        let left = End(receiver: first, eventLoop: eventLoop)
        let right = End(receiver: second, eventLoop: eventLoop)
        left.peer = right
        right.peer = left
        first.opened(over: left)
        second.opened(over: right)
    }

    final class End: ByteTransport {
        private static let highWaterMark = 1024 * 1024
        private static let lowWaterMark = 256 * 1024

        private let eventLoop: any EventLoop
        private var receiver: (any ByteReceiver)?
        fileprivate var peer: End?
        /// Written, not flushed.
        private var unflushed: [ByteBuffer] = []
        /// Flushed by the peer, not yet received here.
        private var inbound: Deque<ByteBuffer> = []
        private var isDeliveryScheduled = false
        private var closesAfterDelivery = false
        private(set) var isWritable = true
        private(set) var pendingBytes = 0

        init(receiver: any ByteReceiver, eventLoop: any EventLoop) {
            self.receiver = receiver
            self.eventLoop = eventLoop
        }

        func write(_ bytes: ByteBuffer) {
            guard receiver != nil, bytes.readableBytes > 0 else { return }
            unflushed.append(bytes)
            pendingBytes += bytes.readableBytes
            if pendingBytes > Self.highWaterMark, isWritable {
                isWritable = false
                onLoop { $0.receiver?.writabilityChanged() }
            }
        }

        func flush() {
            guard let peer, !unflushed.isEmpty else { return }
            peer.inbound.append(contentsOf: unflushed)
            unflushed.removeAll(keepingCapacity: true)
            peer.scheduleDelivery()
        }

        func resumeReading() {
            if !inbound.isEmpty { scheduleDelivery() }
        }

        func close() {
            guard receiver != nil else { return }
            onLoop { end in
                let peer = end.peer
                end.finish()
                peer?.peerClosed()
            }
        }

        func closeAfterFlush() {
            flush()
            close()
        }

        private func scheduleDelivery() {
            guard !isDeliveryScheduled else { return }
            isDeliveryScheduled = true
            onLoop { $0.deliver() }
        }

        private func deliver() {
            isDeliveryScheduled = false
            var received = false
            while let receiver, receiver.wantsBytes || closesAfterDelivery, let bytes = inbound.popFirst() {
                received = true
                receiver.received(bytes)
                peer?.taken(bytes.readableBytes)
            }
            if received { receiver?.burstEnded() }
            if closesAfterDelivery, inbound.isEmpty { finish() }
        }

        /// The peer received some of what this end wrote.
        private func taken(_ bytes: Int) {
            pendingBytes -= bytes
            if !isWritable, pendingBytes < Self.lowWaterMark {
                isWritable = true
                onLoop { $0.receiver?.writabilityChanged() }
            }
        }

        /// Like a socket: what the peer had written is received first, then the end.
        private func peerClosed() {
            closesAfterDelivery = true
            peer = nil
            scheduleDelivery()
        }

        private func finish() {
            guard let receiver else { return }
            self.receiver = nil
            peer = nil
            inbound.removeAll()
            unflushed.removeAll()
            isWritable = false
            receiver.closed()
        }

        /// Later on the loop, so that no receiver is called from within its own call.
        private func onLoop(_ body: @escaping @Sendable (End) -> Void) {
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.execute { body(bound.value) }
        }
    }
}

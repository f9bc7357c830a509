import NIOCore

/// A channel's end as a ``ByteTransport``: a thin shell that turns channel events into calls on a receiver.
final class ChannelTransport: ChannelDuplexHandler, ByteTransport {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let receiver: any ByteReceiver
    private var context: ChannelHandlerContext?
    private var isOpen = false
    private var isEnded = false
    /// A read the receiver declined, to be issued later.
    private var isReadHeld = false

    init(receiver: any ByteReceiver) {
        self.receiver = receiver
    }

    // MARK: Transport

    var isWritable: Bool { context?.channel.isWritable ?? false }

    var pendingBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.write(wrapOutboundOut(bytes), promise: nil)
    }

    func flush() {
        context?.flush()
    }

    func resumeReading() {
        guard isReadHeld, receiver.wantsBytes, let context else { return }
        isReadHeld = false
        context.read()
    }

    func close() {
        context?.close(promise: nil)
    }

    func closeAfterFlush() {
        guard let context else { return }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        open()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receiver.received(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        receiver.burstEnded()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        receiver.writabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if receiver.wantsBytes {
            context.read()
        } else {
            isReadHeld = true
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A broken socket; the close that follows tells the receiver all it can use.
        context.close(promise: nil)
    }

    private func open() {
        guard !isOpen, !isEnded else { return }
        isOpen = true
        receiver.opened(over: self)
    }

    private func end() {
        // Also for a channel that never became active: the receiver's owner counts on it.
        guard !isEnded else { return }
        isEnded = true
        receiver.closed()
    }
}

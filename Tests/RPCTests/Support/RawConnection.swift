import NIOCore
import NIOPosix

@testable import RPC

/// A TCP connection on which a test sends whatever bytes it likes and sees what comes back.
final class RawConnection {
    enum Event: Sendable {
        case frame(meta: RPCMeta, payload: String)
        case closed
    }

    private let channel: any Channel
    private var events: AsyncStream<Event>.Iterator

    private init(channel: any Channel, events: AsyncStream<Event>) {
        self.channel = channel
        self.events = events.makeAsyncIterator()
    }

    /// Connects; with `reads` false it never takes anything the server sends.
    static func open(port: Int, reads: Bool = true) async throws -> RawConnection {
        let (stream, continuation) = AsyncStream<Event>.makeStream()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation: continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(channel: channel, events: stream)
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Sends without waiting for the bytes to leave.
    func post(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func next() async -> Event {
        await events.next() ?? .closed
    }

    /// The next response; `nil` when the connection closed instead.
    func response() async -> (code: Int32, text: String, id: Int64, payload: String)? {
        guard case .frame(let meta, let payload) = await next() else { return nil }
        return (meta.response?.code ?? -1, meta.response?.text ?? "", meta.correlationID, payload)
    }

    func close() async throws {
        try await channel.close()
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let continuation: AsyncStream<Event>.Continuation
        private var decoder = FrameDecoder(limits: .init(bodyBytes: 1 << 28, metaBytes: 1 << 16))

        init(continuation: AsyncStream<Event>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            decoder.append(unwrapInboundIn(data))
            while let frame = try? decoder.next() {
                guard let meta = RPCMeta(decoding: frame.meta),
                    let parts = frame.parts(attachmentSize: meta.attachmentSize)
                else { continue }
                continuation.yield(.frame(meta: meta, payload: String(buffer: parts.payload)))
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            continuation.yield(.closed)
            continuation.finish()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

/// The bytes of a request frame.
func requestBytes(
    _ method: String, _ payload: String = "", id: Int64 = 1, service: String = "eclm.Echo",
    timeoutMilliseconds: Int32? = nil, edit: (inout RPCMeta) -> Void = { _ in }
) -> [UInt8] {
    var meta = RPCMeta(
        request: .init(service: service, method: method, timeoutMilliseconds: timeoutMilliseconds), correlationID: id)
    edit(&meta)
    // Written field by field, so that tests can lie about the attachment's size.
    var buffer = ByteBuffer()
    meta.writeFrameStart(to: &buffer, bodyBytes: payload.utf8.count, reserving: 0)
    buffer.writeString(payload)
    return Array(buffer.readableBytesView)
}

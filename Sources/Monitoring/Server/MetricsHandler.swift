import NIOCore
import NIOHTTP1

/// Answers requests on one connection.
final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let store: MetricsStore
    private var head: HTTPRequestHead?

    init(store: MetricsStore) { self.store = store }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        // A request's body means nothing here.
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = head.uri.prefix { $0 != "?" }
        let (status, text): (HTTPResponseStatus, String) =
            switch (head.method, path) {
            case (.GET, "/metrics"), (.HEAD, "/metrics"): (.ok, store.text)
            case (.GET, _), (.HEAD, _): (.notFound, "metrics are at /metrics\n")
            default: (.methodNotAllowed, "GET /metrics\n")
            }
        var headers = HTTPHeaders([
            ("content-type", "text/plain; version=0.0.4; charset=utf-8"), ("content-length", "\(text.utf8.count)"),
        ])
        if status == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
        let stays = head.isKeepAlive
        if !stays { headers.add(name: "connection", value: "close") }
        context.write(
            wrapOutboundOut(.head(.init(version: head.version, status: status, headers: headers))), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if !stays { channel.close(promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

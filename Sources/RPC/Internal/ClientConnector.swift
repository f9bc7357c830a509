import NIOCore
import NIOPosix

/// Makes the connections of one endpoint.
protocol ClientConnector: Sendable {
    /// The endpoint, for messages.
    var name: String { get }
    var eventLoopGroup: any EventLoopGroup { get }
    /// Connects `receiver`, or tells it why not. Called on `eventLoop`.
    func connect(_ receiver: ClientReceiver, timeout: Duration, on eventLoop: any EventLoop)
}

/// Connects over TCP or a Unix domain socket.
struct SocketConnector: ClientConnector {
    let endpoint: RPCEndpoint
    let eventLoopGroup: any EventLoopGroup

    var name: String { endpoint.description }

    func connect(_ receiver: ClientReceiver, timeout: Duration, on eventLoop: any EventLoop) {
        let bound = NIOLoopBound(receiver, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.nanoseconds(timeout.wholeNanoseconds))
            .channelOption(.writeBufferWaterMark, value: .init(low: 256 * 1024, high: 1024 * 1024))
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16 * 1024, maximum: 256 * 1024)
            )
        let connected =
            switch endpoint {
            case .tcp(let host, let port):
                bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelOption(.socketOption(.so_keepalive), value: 1)
                    .connect(host: host, port: port)
            case .unix(let path):
                bootstrap.connect(unixDomainSocketPath: path)
            }
        connected.hop(to: eventLoop).whenComplete { result in
            switch result {
            case .success(let channel):
                // Only now: of several addresses tried at once, one channel wins and the others end unseen.
                // A port of this machine that nobody listens on can, rarely, connect to itself.
                let isOwnEnd = channel.remoteAddress?.port != nil && channel.localAddress == channel.remoteAddress
                guard channel.isActive, !isOwnEnd else {
                    channel.close(promise: nil)
                    return bound.value.failedToOpen(ChannelError.ioOnClosedChannel, to: name)
                }
                do {
                    try channel.pipeline.syncOperations.addHandler(ChannelTransport(receiver: bound.value))
                } catch {
                    channel.close(promise: nil)
                    bound.value.failedToOpen(error, to: name)
                }
            case .failure(let error):
                bound.value.failedToOpen(error, to: name)
            }
        }
    }
}

/// Connects to a server in this process through a pipe in memory.
struct InProcessConnector: ClientConnector {
    let core: ServerCore
    let eventLoopGroup: any EventLoopGroup

    var name: String { "in-process" }

    func connect(_ receiver: ClientReceiver, timeout: Duration, on eventLoop: any EventLoop) {
        do throws(RPCError) {
            InMemoryPipe.join(try core.makeConnection(peer: name, eventLoop: eventLoop), receiver, on: eventLoop)
        } catch {
            receiver.failedToOpen(error, to: name)
        }
    }
}

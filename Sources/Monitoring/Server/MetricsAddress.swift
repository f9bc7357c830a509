/// Where metrics are served: a TCP address, or the path of a Unix domain socket.
public enum MetricsAddress: Hashable, Sendable {
    /// Port 0 lets the system choose one.
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// An address from `HOST:PORT`, `[IPV6]:PORT` or `unix:/path`; `nil` where the text is none of them.
    public init?(_ text: String) {
        if let match = text.wholeMatch(of: #/unix:(.+)/#) {
            self = .unix(path: String(match.1))
        } else if let match = text.wholeMatch(of: #/(?:\[([^\[\]]+)\]|([^:\[\]]+)):([0-9]{1,5})/#),
            let host = match.1 ?? match.2, let port = UInt16(match.3)
        {
            self = .tcp(host: String(host), port: Int(port))
        } else {
            return nil
        }
    }
}

extension MetricsAddress: CustomStringConvertible {
    /// The text that ``init(_:)`` reads.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

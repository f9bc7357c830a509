import Metrics

/// The methods a server offers, found by name, each with its metrics.
struct MethodTable: Sendable {
    private let services: [String: [String: MethodEntry]]

    /// - Throws: ``RPCError`` where two services or two methods of one service share a name, or a name is empty.
    init(_ services: [any RPCService]) throws(RPCError) {
        var table: [String: [String: MethodEntry]] = [:]
        for service in services {
            guard !service.name.isEmpty, table[service.name] == nil else {
                throw RPCError(.invalidArgument, "two services are named \"\(service.name)\", or the name is empty")
            }
            var methods: [String: MethodEntry] = [:]
            for method in service.methods {
                guard !method.name.isEmpty, methods[method.name] == nil else {
                    throw RPCError(
                        .invalidArgument, "\(service.name) has two methods \"\(method.name)\", or the name is empty")
                }
                methods[method.name] = MethodEntry(service: service.name, method: method)
            }
            table[service.name] = methods
        }
        self.services = table
    }

    /// The method of these names.
    /// - Throws: ``RPCError`` with ENOSERVICE or ENOMETHOD.
    func find(service: String, method: String) throws(RPCError) -> MethodEntry {
        guard let methods = services[service] else {
            throw RPCError(.noSuchService, "this server offers no service \"\(service.prefix(maximumBytes: 128))\"")
        }
        guard let entry = methods[method] else {
            throw RPCError(
                .noSuchMethod, "service \(service) has no method \"\(method.prefix(maximumBytes: 128))\"")
        }
        return entry
    }
}

/// One method and what is measured about it.
final class MethodEntry: Sendable {
    let service: String
    let method: RPCMethod
    private let requests: Counter
    private let latency: Timer
    private let requestBytes: Counter
    private let responseBytes: Counter

    init(service: String, method: RPCMethod) {
        self.service = service
        self.method = method
        let dimensions = [("service", service), ("method", method.name)]
        requests = Counter(label: "eclm_rpc_server_requests_total", dimensions: dimensions)
        latency = Timer(label: "eclm_rpc_server_request_duration_seconds", dimensions: dimensions)
        requestBytes = Counter(label: "eclm_rpc_server_request_bytes_total", dimensions: dimensions)
        responseBytes = Counter(label: "eclm_rpc_server_response_bytes_total", dimensions: dimensions)
    }

    func started(bytes: Int) {
        requests.increment()
        requestBytes.increment(by: bytes)
    }

    func finished(status: RPCStatus, nanoseconds: Int64, bytes: Int) {
        latency.recordNanoseconds(nanoseconds)
        responseBytes.increment(by: bytes)
        guard !status.isOK else { return }
        // Failures are rare enough to look their counter up each time.
        Counter(
            label: "eclm_rpc_server_failures_total",
            dimensions: [("service", service), ("method", method.name), ("status", status.name)]
        ).increment()
    }
}

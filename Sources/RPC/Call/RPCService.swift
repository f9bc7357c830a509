/// A named set of methods a server offers.
public protocol RPCService: Sendable {
    /// The service's name as callers spell it: for a stock brpc client the full protobuf name, package included.
    var name: String { get }
    /// The methods, each name once.
    var methods: [RPCMethod] { get }
}

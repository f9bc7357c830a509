import ECLMCore
import NIOCore
import PostgreSQL
import RPC
import Registry
import RegistryProtocol

extension RPCMethod {
    /// A method that takes and gives messages, without attachments.
    ///
    /// Who may call it and its default deadline are what its options in proto/ say.
    init<Request, Response>(
        _ remote: RemoteMethod<Request, Response>,
        handler: @escaping @Sendable (Request, RPCContext) async throws -> Response
    ) {
        self.init(remote, attachments: { request, _, context in (try await handler(request, context), ByteBuffer()) })
    }

    /// A method that takes and gives messages with attachments.
    init<Request, Response>(
        _ remote: RemoteMethod<Request, Response>,
        attachments handler:
            @escaping @Sendable (Request, ByteBuffer, RPCContext) async throws -> (Response, ByteBuffer)
    ) {
        self.init(name: remote.name, defaultDeadline: remote.deadline) { request, context in
            do {
                try Role.check(context.principal, hasOneOf: remote.roles, toCall: remote.fullName)
                let message = try Request(decoding: request.payload)
                let (response, attachment) = try await handler(message, request.attachment, context)
                return RPCResponse(payload: try encoded(response), attachment: attachment)
            } catch {
                // An unknown error goes on as it is: the transport logs it and tells the caller no more than that.
                throw RPCError(answering: error) ?? error
            }
        }
    }
}

/// An answer's bytes. That it cannot be written is the server's fault, where a request that cannot be read is its sender's.
private func encoded(_ response: some WireMessage) throws(RPCError) -> ByteBuffer {
    do {
        return try response.encoded()
    } catch {
        throw RPCError(.internalError, "the answer cannot be sent: \(error.description)", cause: error)
    }
}

extension RPCError {
    /// The status and message that a caller gets for an error of the layers below; `nil` for a fault of the program.
    init?(answering error: any Error) {
        switch error {
        case let error as RPCError: self = error
        case let error as RegistryError where error.code == .internal: return nil
        // The registry's own trouble, not a state of what was asked about: a caller waits, and gives nothing up.
        case let error as RegistryError where error.isOfSchema: self.init(.unavailable, error.message, cause: error)
        case let error as RegistryError where (error.cause as? PostgresError)?.code == .connectionRefused:
            // The server's own trouble, and none of the caller's.
            self.init(.unavailable, error.message, cause: error)
        case let error as RegistryError: self.init(error.code.status, error.message, cause: error)
        case let error as WireError: self.init(.badRequest, error.description, cause: error)
        case let error as MappingError: self.init(.invalidArgument, error.description, cause: error)
        case let error as DigestError: self.init(.invalidArgument, error.description, cause: error)
        case let error as CancellationError: self.init(.cancelled, "the call was cancelled", cause: error)
        default: return nil
        }
    }
}

extension RegistryError.Code {
    /// The status that stands for the code on the wire.
    var status: RPCStatus {
        switch self {
        case .invalidArgument: .invalidArgument
        case .notFound: .notFound
        case .alreadyExists: .alreadyExists
        case .failedPrecondition: .failedPrecondition
        case .aborted: .aborted
        case .permissionDenied: .permissionDenied
        case .resourceExhausted: .resourceExhausted
        case .unavailable: .unavailable
        case .dataLoss: .dataLoss
        case .cancelled: .cancelled
        default: .internalError
        }
    }
}

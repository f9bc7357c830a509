import ECLMCore

/// What a command says of an error.
struct FailureReport {
    let status: ExitStatus
    private let code: String
    let message: String
    let hint: String?
    private let details: (any Encodable & Sendable)?

    init(_ error: any Error) {
        if let error = error as? any ExitStatusConvertible {
            status = error.exitStatus
            (code, message, hint) = (error.failureCode, error.failureMessage, error.failureHint)
            details = error.failureDetails
        } else {
            status = .failure
            (code, message, hint, details) = (ExitStatus.failure.name, "\(error)", nil, nil)
        }
    }

    /// The report as it goes to standard error, line break included.
    func text(_ format: OutputFormat) -> String {
        switch format {
        case .table:
            return "error: \(message.printable)\n" + (hint.map { "hint: \($0.printable)\n" } ?? "")
        case .json:
            let document = Document(
                error: .init(
                    code: code, message: message, hint: hint, exitStatus: status.code,
                    details: details.map(AnyEncodable.init)))
            // Only the details can fail to encode; the rest must reach the caller anyway.
            return (try? JSONDocument.text(document))
                ?? "{\"error\": {\"code\": \"\(code)\", \"exit_status\": \(status.code)}}\n"
        }
    }

    private struct Document: Encodable {
        struct Failure: Encodable {
            var code: String
            var message: String
            var hint: String?
            var exitStatus: Int32
            var details: AnyEncodable?
        }
        var error: Failure
    }

    private struct AnyEncodable: Encodable {
        var value: any Encodable
        func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
    }
}

import CLibPQ

extension ConnectionCore {
    /// Bytes handed to libpq at a time, and taken from it in a batch.
    static let copyChunk = 256 * 1024

    /// Starts `COPY ... FROM STDIN (FORMAT binary)` and returns the number of columns.
    func startCopyIn(_ text: String) async throws -> Int {
        try await startCopy(text, expecting: PGRES_COPY_IN)
    }

    /// Starts `COPY ... TO STDOUT (FORMAT binary)` and returns the number of columns.
    func startCopyOut(_ text: String) async throws -> Int {
        try await startCopy(text, expecting: PGRES_COPY_OUT)
    }

    private func startCopy(_ text: String, expecting: ExecStatusType) async throws -> Int {
        try checkStatementText(text)
        return try await run {
            try send(text) { PQsendQuery($0, text) }
            guard let result = try await nextResult() else { throw connectionError(try live()) }
            if result.status == expecting && PQbinaryTuples(result.pointer) == 1 {
                copyInProgress = true
                return Int(PQnfields(result.pointer))
            }
            // Anything else has to be brought to its end first.
            var failure: PostgresError?
            switch result.status {
            case PGRES_COPY_IN: _ = PQputCopyEnd(try live(), "not the expected COPY")
            case PGRES_COPY_OUT: while try await copyOutBatch() != nil {}
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: break
            default: failure = self.failure(result, statement: text)
            }
            needsFlush = handle != nil
            while handle != nil, let rest = try await nextResult() {
                if rest.status == PGRES_COPY_IN { _ = PQputCopyEnd(try live(), "not the expected COPY") }
            }
            if let failure { throw failure }
            let wanted = expecting == PGRES_COPY_IN ? "FROM STDIN" : "TO STDOUT"
            var error = PostgresError(
                code: .usage, message: "the statement is not COPY ... \(wanted) (FORMAT binary)")
            error.statement = text
            throw error
        }
    }

    /// Sends bytes and waits until the kernel has taken them.
    func putCopy(_ bytes: ArraySlice<UInt8>) async throws {
        try await run {
            var rest = bytes
            while !rest.isEmpty {
                let handle = try live()
                let chunk = rest.prefix(Self.copyChunk)
                let sent = chunk.withUnsafeBytes { buffer in
                    // A chunk is never empty, so it has an address.
                    PQputCopyData(
                        handle, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), CInt(buffer.count))
                }
                guard sent >= 0 else { throw connectionError(handle) }
                if sent == 1 { rest = rest.dropFirst(chunk.count) }
                needsFlush = true
                try await answer(.flushed)
                if isBroken { throw connectionError(try live()) }
                if operation?.cancelRequested == true { throw PostgresError.taskCancelled }
            }
        }
    }

    /// Ends a COPY to the server, or aborts it with `reason`, and returns the number of rows.
    func endCopyIn(_ text: String, abort reason: String? = nil) async throws -> Int {
        try await run(shielded: reason != nil) {
            copyInProgress = false
            let handle = try live()
            guard PQputCopyEnd(handle, reason) == 1 else { throw connectionError(handle) }
            needsFlush = true
            return try await collect(text).rowsAffected
        }
    }

    /// The next messages of a COPY from the server, at least one; `nil` at the end of the data.
    /// Part of an operation or of ``nextCopyBatch()``.
    func copyOutBatch() async throws -> [[UInt8]]? {
        var batch: [[UInt8]] = []
        var size = 0
        while true {
            let handle = try live()
            var buffer: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(handle, &buffer, 1)
            if length > 0 {
                defer { PQfreemem(buffer) }
                batch.append(Array(UnsafeRawBufferPointer(start: buffer, count: Int(length))))
                size += Int(length)
                if size >= Self.copyChunk { return batch }
            } else if !batch.isEmpty {
                return batch
            } else if length == 0 {
                try await answer(.input)
            } else {
                return nil
            }
        }
    }

    func nextCopyBatch() async throws -> [[UInt8]]? {
        try await run { try await copyOutBatch() }
    }

    /// Takes the final result of a COPY from the server.
    func endCopyOut(_ text: String) async throws -> Int {
        try await run {
            copyInProgress = false
            return try await collect(text).rowsAffected
        }
    }

    /// Cancels a COPY from the server and drops what still comes.
    func abortCopyOut(_ text: String) async {
        guard handle != nil else { return }
        _ = try? await run(shielded: true) {
            copyInProgress = false
            cancelCurrentOperation()
            while try await copyOutBatch() != nil {}
            return try await collect(text).rowsAffected
        }
    }
}

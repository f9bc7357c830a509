import CLibPQ

extension ConnectionCore {
    /// Bytes of parameters queued before the queue is flushed.
    private static let flushThreshold = 256 * 1024

    /// Sends all statements at once and reads all results: one round trip, one implicit transaction.
    func pipeline(_ batch: [Statement]) async throws -> [ResultStorage] {
        guard !batch.isEmpty else { return [] }
        return try await run {
            if bringsTransaction { return try await runInTransaction(batch) }
            try await deallocateDropped()
            let wasIdle = PQtransactionStatus(try live()) == PQTRANS_IDLE
            do {
                return try await runInPipeline(batch)
            } catch let error as PostgresError where error.code == .planInvalidated && wasIdle && handle != nil {
                // Nothing of the batch was committed, and the statement is no longer in the cache.
                try await leavePipeline()
                try await deallocateDropped()
                return try await runInPipeline(batch)
            }
        }
    }

    /// Sends `batch` and reads its results. Part of an operation.
    func runInPipeline(_ batch: [Statement]) async throws -> [ResultStorage] {
        guard PQenterPipelineMode(try live()) == 1 else { throw connectionError(try live()) }
        operation?.statements = batch.count
        return try await runPipeline(batch)
    }

    private func leavePipeline() async throws {
        guard PQpipelineStatus(try live()) != PQ_PIPELINE_OFF else { return }
        guard PQexitPipelineMode(try live()) == 1 else { throw connectionError(try live()) }
    }

    /// What the server will answer, in order.
    private enum Expected {
        case prepared(name: String, Statement.Key)
        case result(index: Int)
    }

    private func runPipeline(_ batch: [Statement]) async throws -> [ResultStorage] {
        var expected: [Expected] = []
        var names: [Statement.Key: String] = [:]
        var queued = 0
        for (index, statement) in batch.enumerated() {
            if let name = try queuePreparation(statement, names: &names, expected: &expected) {
                try send(statement.text) { handle in
                    try ParameterPointers.with(statement.values) { values, lengths, formats in
                        PQsendQueryPrepared(handle, name, CInt(values.count), values, lengths, formats, 1)
                    }
                }
            } else {
                try send(statement.text) { handle in
                    try ParameterPointers.with(statement.values) { values, lengths, formats in
                        PQsendQueryParams(
                            handle, statement.text, CInt(values.count), statement.types, values, lengths, formats, 1)
                    }
                }
            }
            expected.append(.result(index: index))
            queued += statement.size + 64
            if queued >= Self.flushThreshold {
                // While waiting, what the server already answers is taken in, so neither side can block the other.
                try await answer(.flushed)
                queued = 0
            }
        }
        guard PQpipelineSync(try live()) == 1 else { throw connectionError(try live()) }
        needsFlush = true
        return try await readPipeline(batch, expected)
    }

    /// The name to run `statement` by, after queueing its preparation if it has none yet; `nil` without a cache.
    private func queuePreparation(
        _ statement: Statement, names: inout [Statement.Key: String], expected: inout [Expected]
    ) throws -> String? {
        guard statements.capacity > 0 else { return nil }
        if let name = names[statement.key] { return name }
        if let name = statements.name(for: statement.key) {
            names[statement.key] = name
            return name
        }
        let name = statements.nextName()
        try send(statement.text) {
            PQsendPrepare($0, name, statement.text, CInt(statement.types.count), statement.types)
        }
        expected.append(.prepared(name: name, statement.key))
        names[statement.key] = name
        return name
    }

    private func readPipeline(_ batch: [Statement], _ expected: [Expected]) async throws -> [ResultStorage] {
        var results: [ResultStorage] = []
        results.reserveCapacity(batch.count)
        var failure: PostgresError?
        for (position, answer) in expected.enumerated() {
            while let result = try await nextResult() {
                switch (result.status, answer) {
                case (PGRES_COMMAND_OK, .prepared(let name, let key)):
                    statements.insert(name, for: key)
                case (PGRES_COMMAND_OK, _), (PGRES_TUPLES_OK, _), (PGRES_EMPTY_QUERY, _):
                    results.append(result)
                case (PGRES_PIPELINE_ABORTED, _):
                    break
                case (PGRES_COPY_IN, _), (PGRES_COPY_OUT, _), (PGRES_COPY_BOTH, _):
                    // libpq cannot do COPY in a pipeline, and there is no way back.
                    let error = PostgresError(code: .usage, message: "COPY cannot be part of a pipeline")
                    markLost(error)
                    throw error
                default:
                    let index = indexOfStatement(expected, from: position)
                    var error = self.failure(result, statement: batch[index].text)
                    error.statementIndex = index
                    if error.code == .planInvalidated { statements.remove(batch[index].key) }
                    failure = failure ?? error
                }
                guard handle != nil else { break }
            }
            guard handle != nil else { throw failure ?? lost ?? PostgresError.taskCancelled }
        }
        while let result = try await nextResult(), result.status != PGRES_PIPELINE_SYNC {}
        try await leavePipeline()
        if let failure { throw failure }
        return results
    }

    private func indexOfStatement(_ expected: [Expected], from position: Int) -> Int {
        for case .result(let index) in expected[position...] { return index }
        return 0
    }
}

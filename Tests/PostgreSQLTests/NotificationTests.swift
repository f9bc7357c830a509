import Testing

@testable import PostgreSQL

@Suite("Notifications") struct NotificationTests {
    @Test("reach a listening connection, in order, also while it works") func listen() async throws {
        try await Cluster.withConnection { connection in
            let channel = Cluster.uniqueName("Odd \"channel\"")
            let stream = try await connection.listen([channel])
            try await Cluster.withConnection { sender in
                for index in 0..<20 {
                    try await sender.query("SELECT pg_notify(\(channel), \("message \(index)"))")
                    if index % 5 == 0 { try await connection.query("SELECT 1") }
                }
                try await sender.query("SELECT pg_notify('somebody_else', '')")
            }
            var iterator = stream.makeAsyncIterator()
            for index in 0..<20 {
                let notification = try await iterator.next()
                #expect(notification?.channel == channel)
                #expect(notification?.payload == "message \(index)")
            }
        }
    }

    @Test("end with an error when the connection is lost") func loss() async throws {
        try await Cluster.withConnection { connection in
            let stream = try await connection.listen(["c"])
            let pid = try await connection.processID
            try await Cluster.withConnection { try await $0.query("SELECT pg_terminate_backend(\(Int32(pid)))") }
            #expect(await errorCode { for try await _ in stream {} } == .connectionLost)
        }
    }

    @Test("come to a listener again after its connection was lost") func listener() async throws {
        let channel = Cluster.uniqueName("c")
        let application = Cluster.uniqueName("listener")
        let listener = PostgresListener(
            configuration: try Cluster.configuration { $0.applicationName = application }, channels: [channel],
            logger: Cluster.logger)
        try await Cluster.withConnection { sender in
            let (events, continuation) = AsyncStream.makeStream(of: PostgresListener.Event.self)
            let reader = Task {
                for await event in listener { continuation.yield(event) }
                continuation.finish()
            }
            var iterator = events.makeAsyncIterator()
            for round in 0..<2 {
                #expect(await iterator.next() == .connected)
                try await sender.query("SELECT pg_notify(\(channel), \("\(round)"))")
                #expect(await iterator.next() == .notification(channel: channel, payload: "\(round)"))
                let killed = try await sender.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = \(application)")
                #expect(killed.count == 1)
            }
            #expect(await iterator.next() == .connected)
            reader.cancel()
            #expect(await iterator.next() == nil)
            try await Cluster.eventually {
                try await sender.query("SELECT FROM pg_stat_activity WHERE application_name = \(application)").isEmpty
            }
        }
    }

    @Test("make a listener re-read when they are read too slowly") func overflow() async throws {
        try await Cluster.withConnection { connection in
            let channel = Cluster.uniqueName("c")
            let stream = try await connection.listen([channel])
            try await Cluster.withConnection {
                try await $0.query("SELECT count(pg_notify(\(channel), g::text)) FROM generate_series(1, 20000) g")
            }
            try await connection.query("SELECT 1")
            let code = await errorCode { for try await _ in stream {} }
            #expect(code == .notificationsDropped)
        }
    }

    @Test("a listener asks a quiet connection whether it still stands") func heartbeat() async throws {
        let application = Cluster.uniqueName("listener")
        var listener = PostgresListener(
            configuration: try Cluster.configuration { $0.applicationName = application }, channels: ["c"],
            logger: Cluster.logger)
        listener.heartbeat = .milliseconds(50)
        let reader = Task { [listener] in for await _ in listener {} }
        try await Cluster.withConnection { observer in
            try await Cluster.eventually {
                try await observer.query(
                    "SELECT FROM pg_stat_activity WHERE application_name = \(application) AND query = 'SELECT 1'"
                ).count == 1
            }
        }
        reader.cancel()
        await reader.value
    }
}

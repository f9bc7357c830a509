import Foundation
import Synchronization

/// A child process in a process group of its own, so that Ctrl-C on the terminal reaches its parent alone.
///
/// By hand: swift-subprocess holds a child within the call that runs it and reaps it there. These children live from one
/// call to another, the watchdog knows their numbers, and a signal is sent under the lock that reaping takes, so that it
/// cannot reach another process that got the number meanwhile.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Ending: Sendable, Hashable, CustomStringConvertible {
        case exited(Int32)
        case killed(Int32)

        var description: String {
            switch self {
            case .exited(let status): "ended with status \(status)"
            case .killed(let signal): "was killed by signal \(signal)"
            }
        }
    }

    private struct State {
        var ending: Ending?
        var lastLines: [String] = []
    }

    /// What it is called in messages.
    let name: String
    /// Its identity while ``ending`` is `nil`.
    let processID: pid_t
    private let state = Mutex(State())

    /// How it ended; `nil` while it runs.
    var ending: Ending? { state.withLock { $0.ending } }

    /// What it printed last, at most 20 lines.
    var lastLines: [String] { state.withLock { $0.lastLines } }

    /// Starts a process.
    ///
    /// - Parameters:
    ///   - command: The program's path and its arguments.
    ///   - directory: Where it works; `nil` for here.
    ///   - input: What it reads; `nil` for nothing.
    ///   - line: Gets every line it prints, from a thread of its own; `nil` discards them.
    init(
        name: String, command: [String], environment: [String: String], directory: String? = nil, input: Int32? = nil,
        line: (@Sendable (String) -> Void)?
    ) throws(DevelopmentError) {
        self.name = name
        let pipe = try PrivatePipe(for: name)
        defer { close(pipe.writing) }
        // A process starts where its parent is; a shell that becomes the program goes elsewhere first.
        let command = directory.map { ["/bin/sh", "-c", #"cd "$0" && exec "$@""#, $0] + command } ?? command
        do throws(DevelopmentError) {
            processID = try Self.spawn(
                name, command, environment, input: input, output: line == nil ? nil : pipe.writing)
        } catch {
            close(pipe.reading)
            throw error
        }
        let reading = pipe.reading
        Thread.detachNewThread {
            LineReader(descriptor: reading).forEach { text in
                self.state.withLock { state in
                    state.lastLines.append(text)
                    if state.lastLines.count > 20 { state.lastLines.removeFirst() }
                }
                line?(text)
            }
            close(reading)
        }
        Thread.detachNewThread { self.reap() }
    }

    /// Sends a signal, unless it has ended.
    func send(_ signal: Int32) {
        // Under the lock that reaping takes: the number cannot belong to another process meanwhile.
        state.withLock { state in
            if state.ending == nil { kill(processID, signal) }
        }
    }

    /// Waits until it ended.
    ///
    /// - Returns: How; `nil` when it still runs after `timeout`.
    func waitForEnd(timeout: Duration) async -> Ending? {
        let deadline = ContinuousClock.now + timeout
        while ending == nil, ContinuousClock.now < deadline {
            // Not the throwing kind: a cancelled caller still waits for its children.
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) { continuation.resume() }
            }
        }
        return ending
    }

    private func reap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(processID), &info, WEXITED | WNOWAIT) != 0 {
            guard errno == EINTR else { break }
        }
        state.withLock { state in
            var status: Int32 = 0
            while waitpid(processID, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            state.ending = signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal)
        }
    }

    private static func failure(_ name: String, _ code: Int32) -> DevelopmentError {
        DevelopmentError(.startFailed, "\(name) cannot be started: \(String(cString: strerror(code)))")
    }

    private static func spawn(
        _ name: String, _ command: [String], _ environment: [String: String], input: Int32?, output: Int32?
    ) throws(DevelopmentError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The parent ignores the signals that it handles; a child must not inherit that, nor a blocked one.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE] { sigaddset(&signals, signal) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in arguments + variables { free(pointer) }
        }
        var processID: pid_t = 0
        let code = posix_spawn(&processID, command[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw failure("\(name) (\(command[0]))", code) }
        return processID
    }
}

/// A pipe that no child inherits but by being given an end.
struct PrivatePipe {
    let reading: Int32
    let writing: Int32

    init(for name: String) throws(DevelopmentError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw DevelopmentError(.startFailed, "there is no pipe for \(name): \(String(cString: strerror(errno)))")
        }
        // Children are started one after another by one task, so none can start between the two steps.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reading, writing) = (ends[0], ends[1])
    }
}

/// The lines of a pipe, until its other end is closed everywhere.
private struct LineReader {
    let descriptor: Int32

    /// A longer line is cut into several.
    static let maximumLength = 16 << 10

    func forEach(_ body: (String) -> Void) {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            for byte in buffer[..<count] {
                if byte == UInt8(ascii: "\n") || rest.count >= Self.maximumLength {
                    body(String(decoding: rest, as: UTF8.self))
                    rest.removeAll(keepingCapacity: true)
                }
                if byte != UInt8(ascii: "\n") { rest.append(byte) }
            }
        }
        if !rest.isEmpty { body(String(decoding: rest, as: UTF8.self)) }
    }
}

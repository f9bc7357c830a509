import Foundation
import Synchronization

/// Ends the children when this process dies without having done so, even by SIGKILL.
///
/// A shell reads from a pipe which children runs and which no longer do. The pipe's only writing end is here, so it
/// closes with this process, whatever ends that, and the shell then signals what is left. A death signal
/// (PR_SET_PDEATHSIG) would not do: it is sent when the thread that started the child ends, not the process.
final class Watchdog: Sendable {
    private let descriptor: Int32
    private let process: ChildProcess

    private static let script = """
        trap '' INT TERM HUP
        list=
        while read -r sign pid first last; do
            kept=
            for entry in $list; do case $entry in $pid:*) ;; *) kept="$kept $entry" ;; esac; done
            list=$kept
            [ "$sign" = + ] && list="$list $pid:$first:$last"
        done
        for entry in $list; do pid=${entry%%:*}; rest=${entry#*:}; kill -"${rest%%:*}" "$pid"; done
        tries=0
        while [ $tries -lt 100 ]; do
            alive=
            for entry in $list; do kill -0 "${entry%%:*}" && alive="$alive $entry"; done
            [ -z "$alive" ] && exit 0
            sleep 0.1
            tries=$((tries + 1))
        done
        for entry in $alive; do kill -"${entry##*:}" "${entry%%:*}"; done
        """

    init() throws(DevelopmentError) {
        let pipe = try PrivatePipe(for: "the watchdog")
        defer { close(pipe.reading) }
        do throws(DevelopmentError) {
            process = try ChildProcess(
                name: "watchdog", command: ["/bin/sh", "-c", Self.script],
                environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"], directory: "/", input: pipe.reading, line: nil)
        } catch {
            close(pipe.writing)
            throw error
        }
        descriptor = pipe.writing
    }

    deinit { close(descriptor) }

    /// Ends `processID` with the signal `first`, and 10 s later with `last`, unless it is taken off before.
    func watch(_ processID: pid_t, first: String, last: String) { write("+ \(processID) \(first) \(last)\n") }

    /// Leaves `processID` alone from now on: it has ended.
    func unwatch(_ processID: pid_t) { write("- \(processID)\n") }

    private func write(_ line: String) {
        // Far below PIPE_BUF: the line arrives whole. A dead watchdog (EPIPE) must not end the registry.
        _ = line.withCString { Glibc.write(descriptor, $0, strlen($0)) }
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard output or standard error, written without a buffer of our own: what was written is out before the
/// process ends, however it ends, and one call's text is not torn by another thread's.
struct StandardStream: Sendable {
    let descriptor: Int32

    static let output = StandardStream(descriptor: 1)
    static let error = StandardStream(descriptor: 2)

    /// Whether a person sees the stream on a terminal.
    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// The terminal's width in columns; `nil` when the stream is no terminal or does not tell.
    ///
    /// `COLUMNS` wins where it is set to a sensible number, as in other tools.
    var width: Int? {
        guard isTerminal else { return nil }
        if let text = getenv("COLUMNS"), let columns = Int(String(cString: text)), (1...10_000).contains(columns) {
            return columns
        }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Writes all of `text`; a reader that went away (EPIPE) and other failures end the writing quietly.
    ///
    /// - Returns: Whether everything was written.
    @discardableResult
    func write(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { utf8 in
            var rest = UnsafeRawBufferPointer(utf8)[...]
            while !rest.isEmpty {
                let slice = UnsafeRawBufferPointer(rebasing: rest)
                #if canImport(Glibc)
                    let count = Glibc.write(descriptor, slice.baseAddress, slice.count)
                #elseif canImport(Musl)
                    let count = Musl.write(descriptor, slice.baseAddress, slice.count)
                #else
                    let count = Darwin.write(descriptor, slice.baseAddress, slice.count)
                #endif
                if count < 0 {
                    if errno == EINTR { continue }
                    if errno == EAGAIN {
                        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        _ = withUnsafeMutablePointer(to: &poll) { waitFor($0) }
                        continue
                    }
                    return false
                }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }
}

private func waitFor(_ descriptor: UnsafeMutablePointer<pollfd>) -> Int32 { poll(descriptor, 1, 1000) }

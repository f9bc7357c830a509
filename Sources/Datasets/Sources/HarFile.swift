/// `har.safetensors`: windows of six channels, and whose they are.
struct HarFile {
    /// Samples of one window, at 50 Hz.
    static let windowLength = 128
    /// Accelerometer and gyroscope, three axes each.
    static let channels = 6
    /// Recordings that hold parts of one session each, and so stay on one side of a split: of user 10, recording 20 has
    /// the postures and 21 the walking.
    static let jointRecordings: [Set<Int>] = [[20, 21]]

    let path: String
    let classNames: [String]
    /// [n, 128, 6], row-major.
    let windows: [Float]
    let labels: [Int]
    let users: [Int]
    let recordings: [Int]

    init(directory: String) throws {
        let file = try DataFile(.har, directory: directory)
        path = file.path
        classNames = try file.classNames()
        windows = try file.floats("windows", shape: [nil, Self.windowLength, Self.channels])
        let count = windows.count / (Self.windowLength * Self.channels)
        labels = try file.labels("labels", count: count, classNames: classNames)
        users = try file.bytes("users", shape: [count]).map(Int.init)
        recordings = try file.bytes("recordings", shape: [count]).map(Int.init)
        var owners = [Int?](repeating: nil, count: 256)
        for (user, recording) in zip(users, recordings) {
            if let owner = owners[recording], owner != user {
                throw DatasetError(
                    .invalidFile,
                    "recording \(recording) of \(path) is of the users \(owner) and \(user); "
                        + "fetch the file anew")
            }
            owners[recording] = user
        }
    }

    /// The windows of each user's recordings: joint recordings as one, in the order of their numbers.
    func sessions(of user: Int) -> [[Int]] {
        var windows = [[Int]](repeating: [], count: 256)
        for index in users.indices where users[index] == user {
            let recording = recordings[index]
            let joint = Self.jointRecordings.first { $0.contains(recording) }
            windows[joint?.min() ?? recording].append(index)
        }
        return windows.filter { !$0.isEmpty }
    }
}

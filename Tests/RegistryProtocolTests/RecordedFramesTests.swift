import Foundation
import NIOCore
import RegistryProtocol
import Testing

@testable import RPC

/// Frames of every method as the version before options, own messages and enums wrote them (commit c4def7f), whole
/// baidu_std frames in hexadecimal digits.
///
/// A small program linked with that version's RPC and RegistryProtocol made them: it decoded messages with every field set
/// (written by protobuf's own library from that version's proto/), dumped their fields by reflection, encoded them again and
/// framed them. `Recorded/SERVICE.json` holds a list of methods; nothing there is ever changed.
@Suite("Frames of the last version")
struct RecordedFramesTests {
    private let recorded: [String: [RecordedMethod]]

    init() throws {
        var recorded: [String: [RecordedMethod]] = [:]
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Recorded")
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            let entries = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]])
            recorded[file.deletingPathExtension().lastPathComponent] = try entries.map(RecordedMethod.init)
        }
        self.recorded = recorded
    }

    @Test("are read field by field, and written again byte by byte")
    func everyMethod() throws {
        var checked = 0
        func check<Request, Response>(_ method: RemoteMethod<Request, Response>) throws {
            let service = try #require(method.service.split(separator: ".").last.map(String.init))
            let entry = try #require(recorded[service]?.first { $0.method == method.name }, "\(method.fullName)")
            let request = try entry.request.open(as: Request.self)
            #expect(request.request?.service == method.service && request.request?.method == method.name)
            #expect(request.request?.timeoutMilliseconds == 30_000)
            #expect(request.authenticationData == Credential.bearer("SECRET").authenticationData)
            let response = try entry.response.open(as: Response.self)
            #expect(response.response == RPCMeta.Response(code: 0, text: ""))
            #expect(response.correlationID == request.correlationID)
            checked += 1
        }
        try check(BlobServiceAPI.stat)
        try check(BlobServiceAPI.get)
        try check(BlobServiceAPI.beginPut)
        try check(BlobServiceAPI.put)
        try check(ChannelServiceAPI.listChannels)
        try check(ChannelServiceAPI.moveChannel)
        try check(ChannelServiceAPI.channelHistory)
        try check(ChannelServiceAPI.watch)
        try check(CompositionServiceAPI.compose)
        try check(DeviceServiceAPI.registerDevice)
        try check(DeviceServiceAPI.getDevice)
        try check(DeviceServiceAPI.listDevices)
        try check(DeviceServiceAPI.listDeviceClasses)
        try check(DeviceServiceAPI.defineDeviceClass)
        try check(DeviceServiceAPI.reportMetrics)
        try check(HealthServiceAPI.check)
        try check(HealthServiceAPI.echo)
        try check(ModelServiceAPI.listModels)
        try check(ModelServiceAPI.getModel)
        try check(ModelServiceAPI.listModules)
        try check(ReleaseServiceAPI.listReleases)
        try check(ReleaseServiceAPI.getRelease)
        try check(ReleaseServiceAPI.publish)
        try check(ReleaseServiceAPI.rollback)
        try check(UpdateServiceAPI.submit)
        try check(UpdateServiceAPI.getUpdate)
        try check(UpdateServiceAPI.listUpdates)
        try check(VersionServiceAPI.listVersions)
        try check(VersionServiceAPI.getVersion)
        try check(VersionServiceAPI.getLineage)
        #expect(checked == recorded.values.joined().count && checked == 30)
    }
}

/// One method of a recording.
private struct RecordedMethod {
    var method: String
    var request: RecordedMessage
    var response: RecordedMessage

    init(_ entry: [String: Any]) throws {
        method = try #require(entry["method"] as? String)
        request = try RecordedMessage(#require(entry["request"] as? [String: Any]))
        response = try RecordedMessage(#require(entry["response"] as? [String: Any]))
    }
}

/// A frame, and the fields that the version which wrote it read from it.
private struct RecordedMessage {
    var frame: [UInt8]
    var fields: Data

    init(_ entry: [String: Any]) throws {
        let digits = try #require(entry["frame"] as? String)
        frame = try stride(from: 0, to: digits.utf8.count, by: 2).map { position in
            let start = digits.index(digits.startIndex, offsetBy: position)
            return try #require(UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16))
        }
        fields = try JSONSerialization.data(
            withJSONObject: #require(entry["fields"] as? [String: Any]), options: [.sortedKeys, .prettyPrinted])
    }

    /// Expects the frame to hold a message with just the recorded fields, and to be written as it is.
    ///
    /// - Returns: The frame's metadata.
    func open<Message: WireMessage>(as type: Message.Type) throws -> RPCMeta {
        var bytes = ByteBuffer(bytes: frame)
        #expect(bytes.readInteger(as: UInt32.self) == Frame.magic)
        let bodyBytes = bytes.readInteger(as: UInt32.self).map(Int.init)
        let metaBytes = bytes.readInteger(as: UInt32.self).map(Int.init)
        #expect(bodyBytes == bytes.readableBytes)
        let encodedMeta = bytes.readSlice(length: try #require(metaBytes))
        let meta = try #require(encodedMeta.flatMap { RPCMeta(decoding: $0) })
        let rest = Frame(meta: ByteBuffer(), body: bytes)
        let (payload, attachment) = try #require(rest.parts(attachmentSize: meta.attachmentSize))
        let message = try Message(decoding: payload)
        let recorded = try JSONSerialization.jsonObject(with: fields)
        let read = try JSONSerialization.data(
            withJSONObject: withoutNewEmpty(#require(fieldValues(message)), recorded),
            options: [.sortedKeys, .prettyPrinted])
        #expect(String(decoding: read, as: UTF8.self) == String(decoding: fields, as: UTF8.self), "\(type)")
        let written = try #require(
            EncodedFrame(
                meta: meta, payload: try message.encoded(), attachment: attachment, maximumBodyBytes: 1 << 20))
        #expect(
            Array(written.head.readableBytesView) + Array(written.attachment.readableBytesView) == frame, "\(type)")
        return meta
    }
}

/// The fields less those that are empty and that the recorded message did not have: repeated ones, which came later.
private func withoutNewEmpty(_ value: Any, _ recorded: Any?) -> Any {
    if let fields = value as? [String: Any] {
        let known = recorded as? [String: Any] ?? [:]
        return fields.filter { name, value in known[name] != nil || value as? String != "" }
            .map { ($0.key, withoutNewEmpty($0.value, known[$0.key])) }
            .reduce(into: [String: Any]()) { $0[$1.0] = $1.1 }
    }
    guard let values = value as? [Any] else { return value }
    let known = recorded as? [Any] ?? []
    return values.enumerated().map { withoutNewEmpty($1, $0 < known.count ? known[$0] : nil) }
}

/// The fields of a message that are present, by the names of its properties.
private func fieldValues(_ value: Any) -> Any? {
    switch value {
    case let value as [UInt8]: return value.map { String(format: "%02x", $0) }.joined()
    case let value as String: return value
    case let value as Bool: return value
    case let value as Double: return value
    case let value as Int32: return Int(value)
    case let value as Int64: return value
    case let value as [Any]: return value.compactMap(fieldValues)
    case let value as any RawRepresentable: return fieldValues(value.rawValue)
    default: break
    }
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional { return mirror.children.first.flatMap { fieldValues($0.value) } }
    var fields: [String: Any] = [:]
    for child in mirror.children {
        guard let label = child.label, let value = fieldValues(child.value) else { continue }
        fields[label] = value
    }
    return fields
}

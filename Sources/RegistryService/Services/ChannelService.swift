import RPC
import Registry
import RegistryProtocol

/// `eclm.v1.ChannelService`: where channels point, how they moved, and word when they move.
struct ChannelService: RPCService {
    let name = ChannelServiceAPI.name
    let methods: [RPCMethod]

    init(_ context: ServiceContext) {
        let registry = context.registry
        methods = [
            RPCMethod(ChannelServiceAPI.listChannels) { request, _ in
                var response = Wire.ListChannelsResponse()
                response.channels = try await registry.model(request.model).channels.map(Wire.ChannelPointer.init)
                return response
            },
            RPCMethod(ChannelServiceAPI.moveChannel) { request, call in
                let release = try await registry.moveChannel(
                    of: request.model, channel: request.channel, to: Int(request.release),
                    as: context.provenance(call, reason: request.reason))
                await context.catalogue.refreshAfterChange()
                return Wire.MoveChannelResponse(Wire.Release(release))
            },
            RPCMethod(ChannelServiceAPI.channelHistory) { request, _ in
                let page = try await registry.channelHistory(
                    of: request.model, channel: request.channel, page: PageRequest(request.page))
                var response = Wire.ChannelHistoryResponse()
                response.moves = page.items.map(Wire.ChannelMove.init)
                response.nextPageToken = page.nextToken
                return response
            },
            RPCMethod(ChannelServiceAPI.watch) { request, call in
                try await Self.watch(request, call, context)
            },
        ]
    }

    /// Waits for another release, a little less than the deadline allows: the answer must still travel. A server that
    /// shuts down says at once that nothing changed; the caller asks another one, or this one when it is back.
    private static func watch(
        _ request: Wire.WatchRequest, _ call: RPCContext, _ context: ServiceContext
    ) async throws -> Wire.WatchResponse {
        let wished: Duration = request.waitMs > 0 ? .milliseconds(request.waitMs) : .seconds(30)
        let wait = min(wished, context.limits.maximumWatch, max(.zero, call.remaining - .milliseconds(200)))
        let after = Int(request.afterRelease)
        let catalogue = context.catalogue
        let device = try context.device(request.deviceId, call)
        let release = try await withThrowingTaskGroup(of: StoredRelease?.self) { group in
            group.addTask {
                try await catalogue.release(of: request.model, channel: request.channel, otherThan: after, for: device)
            }
            group.addTask {
                try await Task.sleep(for: wait)
                return nil
            }
            group.addTask {
                try await call.untilShutdown()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        let current =
            try release ?? catalogue.snapshot.release(of: request.model, channel: request.channel, for: device)
        var response = Wire.WatchResponse()
        response.release = Int32(current.number)
        response.changed = current.number != after
        return response
    }
}

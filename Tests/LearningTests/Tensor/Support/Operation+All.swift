import Learning

extension Operation {
    /// Every differentiable operation that `Tensor` has.
    static let all = arithmetic + activations + shapes + selection + layers + reductions + losses

    static let arithmetic = [
        Operation("add", [[3, 4], [4]], python: "x[0] + x[1]") { try $0[0] + $0[1] },
        Operation("subtract", [[3, 1], [4]], python: "x[0] - x[1]") { try $0[0] - $0[1] },
        Operation("multiply", [[2, 3], [2, 1]], python: "x[0] * x[1]") { try $0[0] * $0[1] },
        Operation("divide", [[2, 3], [3]], in: 0.5...2, python: "x[0] / x[1]") { try $0[0] / $0[1] },
        Operation("add a number", [[5]], python: "x[0] + 2.5") { try $0[0] + 2.5 },
        Operation("subtract a number", [[5]], python: "x[0] - 2.5") { try $0[0] - 2.5 },
        Operation("multiply by a number", [[5]], python: "x[0] * 2.5") { try $0[0] * 2.5 },
        Operation("divide by a number", [[5]], python: "x[0] / 2.5") { try $0[0] / 2.5 },
        Operation("add to a number", [[5]], python: "2.5 + x[0]") { try 2.5 + $0[0] },
        Operation("subtract from a number", [[5]], python: "2.5 - x[0]") { try 2.5 - $0[0] },
        Operation("multiply a number", [[5]], python: "2.5 * x[0]") { try 2.5 * $0[0] },
        Operation("divide a number", [[5]], in: 0.5...2, python: "2.5 / x[0]") { try 2.5 / $0[0] },
        Operation("negative", [[5]], python: "-x[0]") { try -$0[0] },
        Operation("squared", [[5]], python: "x[0] ** 2") { try $0[0].squared() },
        Operation("squareRoot", [[5]], in: 0.5...2, python: "x[0].sqrt()") { try $0[0].squareRoot() },
        Operation("exponential", [[5]], python: "x[0].exp()") { try $0[0].exponential() },
    ]

    static let activations = [
        Operation("relu", [[8]], python: "F.relu(x[0])") { try $0[0].relu() },
        Operation("reluInPlace", [[8]], python: "F.relu(x[0] + 0.3)") { try ($0[0] + 0.3).reluInPlace() },
        Operation("gelu", [[8]], python: "F.gelu(x[0])") { try $0[0].gelu() },
        Operation("tanh", [[8]], python: "x[0].tanh()") { try $0[0].tanh() },
        Operation("softplus", [[8]], python: "F.softplus(x[0])") { try $0[0].softplus() },
        Operation("softmax", [[3, 4]], python: "x[0].softmax(0)") { try $0[0].softmax(dimension: 0) },
        Operation("logSoftmax", [[3, 4]], python: "x[0].log_softmax(-1)") { try $0[0].logSoftmax(dimension: -1) },
        Operation("standardNormalCDF", [[8]], python: "torch.distributions.Normal(0, 1).cdf(x[0])") {
            try $0[0].standardNormalCDF()
        },
    ]

    static let shapes = [
        Operation("reshaped", [[3, 4]], python: "x[0].reshape(2, -1)") { try $0[0].reshaped([2, -1]) },
        Operation("transposed", [[2, 3]], python: "x[0].transpose(0, 1)") { try $0[0].transposed(0, 1) },
        Operation("narrowed", [[2, 5]], python: "x[0].narrow(1, 1, 3)") {
            try $0[0].narrowed(dimension: 1, start: 1, length: 3)
        },
        Operation("repeatedInterleaved", [[2, 3]], python: "x[0].repeat_interleave(2, dim=1)") {
            try $0[0].repeatedInterleaved(2, dimension: 1)
        },
        Operation("contiguous", [[2, 3]], python: "x[0].t().contiguous()") { try $0[0].transposed(0, 1).contiguous() },
    ]

    static let selection = [
        Operation("selected", [[4, 2]], python: "x[0].index_select(0, torch.tensor([3, 1, 1]))") {
            try $0[0].selected(dimension: 0, indices: [3, 1, 1])
        },
        Operation("gathered", [[2, 3]], python: "x[0].gather(1, torch.tensor([[2, 2], [0, 1]]))") {
            try $0[0].gathered(dimension: 1, indices: Tensor(indices: [2, 2, 0, 1]).reshaped([2, 2]))
        },
        Operation("whereMask", [[2, 3]], python: "torch.where(torch.tensor([1, 0, 1]) != 0, x[0], 0.25)") {
            try $0[0].whereMask(Tensor([1, 0, 1], shape: [3]), else: 0.25)
        },
        // KeepTopK before a softmax, as in the selector.
        Operation(
            "whereMask with top 2", [[3, 4]],
            python: "x[0].masked_fill(x[0] < x[0].topk(2).values[:, 1:], -math.inf).softmax(1)"
        ) { try $0[0].whereMask($0[0].topMask(2), else: -.infinity).softmax(dimension: 1) },
    ]

    static let layers = [
        Operation("linear", [[3, 4], [2, 4], [2]], python: "F.linear(*x)") {
            try $0[0].linear(weight: $0[1], bias: $0[2])
        },
        Operation("linear without a bias", [[3, 4], [2, 4]], python: "F.linear(*x)") {
            try $0[0].linear(weight: $0[1])
        },
        Operation(
            "convolution2D", [[1, 2, 4, 5], [2, 2, 3, 3], [2]], python: "F.conv2d(*x, stride=(2, 1), padding=(1, 0))"
        ) { try $0[0].convolution2D(weight: $0[1], bias: $0[2], stride: [2, 1], padding: [1, 0]) },
        Operation("convolution2D without a bias", [[2, 1, 3, 3], [2, 1, 2, 2]], python: "F.conv2d(*x)") {
            try $0[0].convolution2D(weight: $0[1])
        },
        Operation("averagePool2D", [[1, 2, 4, 4]], python: "F.avg_pool2d(x[0], 2)") {
            try $0[0].averagePool2D(kernel: [2, 2])
        },
        Operation("groupNorm", [[2, 4, 2, 2], [4], [4]], python: "F.group_norm(x[0], 2, x[1], x[2])") {
            try $0[0].groupNorm(groups: 2, weight: $0[1], bias: $0[2])
        },
        Operation(
            "batchNorm of the batch", [[3, 2, 2, 2], [2], [2]],
            python: "F.batch_norm(x[0], None, None, x[1], x[2], training=True)"
        ) { try $0[0].batchNorm(weight: $0[1], bias: $0[2]) },
        Operation(
            "batchNorm", [[3, 2], [2], [2]],
            python: "F.batch_norm(x[0], torch.tensor([0.1, -0.2]), torch.tensor([0.5, 2.0]), x[1], x[2], eps=1e-3)"
        ) {
            try $0[0].batchNorm(
                weight: $0[1], bias: $0[2], mean: Tensor([0.1, -0.2], shape: [2]),
                variance: Tensor([0.5, 2], shape: [2]),
                epsilon: 1e-3)
        },
    ]

    static let reductions = [
        Operation("sum", [[2, 3]], python: "x[0].sum()") { try $0[0].sum() },
        Operation("mean", [[2, 3]], python: "x[0].mean()") { try $0[0].mean() },
        Operation("sum over dimensions", [[2, 3, 2]], python: "x[0].sum((0, 2))") {
            try $0[0].sum(dimensions: [0, 2])
        },
        Operation("mean over dimensions", [[2, 3, 2]], python: "x[0].mean((1,), keepdim=True)") {
            try $0[0].mean(dimensions: [1], keep: true)
        },
        Operation("variance", [[2, 3, 2]], python: "x[0].var((0, 2), unbiased=False, keepdim=True)") {
            try $0[0].variance(dimensions: [0, -1], keep: true)
        },
        Operation("maximum", [[3, 4]], python: "x[0].max(1).values") { try $0[0].maximum(dimension: 1) },
    ]

    static let losses = [
        Operation("crossEntropy", [[4, 3]], python: "F.cross_entropy(x[0], torch.tensor([2, 0, 1, 1]))") {
            try $0[0].crossEntropy(labels: [2, 0, 1, 1])
        },
        Operation(
            "crossEntropy of a tensor of labels", [[2, 3]], python: "F.cross_entropy(x[0], torch.tensor([1, 2]))"
        ) {
            try $0[0].crossEntropy(labelTensor: Tensor(indices: [1, 2]))
        },
    ]
}

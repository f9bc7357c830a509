extension NetworkSpecification {
    /// The networks of the experiments, by the data they are for: `har`, `images`, `speech`. `specs/` has them as JSON.
    public static let presets: [String: NetworkSpecification] = ["har": .har, "images": .images, "speech": .speech]

    /// Human activity: an MLP over 534 features with one module layer of 16 (the paper's sizes).
    public static func har(features: Int) -> NetworkSpecification {
        NetworkSpecification(
            model: "har-mlp", input: [features], classes: 6, stem: StemSpecification(kind: .dense, width: 32),
            layers: [
                LayerSpecification(
                    name: "hidden", block: .dense, width: 32, modules: 16, inner: 16, innerNorm: false)
            ],
            selector: SelectorSpecification(widths: [16], topK: 4))
    }

    static let har = har(features: 402)

    /// Images of clothes, 28 x 28: VGG-like, three module layers of 16.
    public static let images = NetworkSpecification(
        model: "images-vgg", input: [1, 28, 28], classes: 10,
        stem: StemSpecification(kind: .convolution, width: 16, stride: [2, 2]),
        layers: [
            LayerSpecification(
                name: "block1", block: .convolution, width: 16, modules: 16, inner: 8, stride: [2, 2]),
            LayerSpecification(
                name: "block2", block: .convolution, width: 32, modules: 16, inner: 8, outputKernel: [3, 3]),
            LayerSpecification(
                name: "block3", block: .convolution, width: 32, modules: 16, inner: 12, stride: [2, 2]),
        ],
        selector: SelectorSpecification(pool: [4, 4], widths: [32], topK: 4))

    /// Spoken digits, 13 cepstral coefficients over 92 frames: ResNet-like, three module layers of 16.
    public static let speech = NetworkSpecification(
        model: "speech-resnet", input: [13, 1, 92], classes: 10,
        stem: StemSpecification(kind: .convolution, width: 24, kernel: [1, 5], stride: [1, 2]),
        layers: [
            LayerSpecification(
                name: "block1", block: .convolution, width: 24, modules: 16, inner: 8, kernel: [1, 3], skip: true),
            LayerSpecification(
                name: "block2", block: .convolution, width: 32, modules: 16, inner: 8, kernel: [1, 3], stride: [1, 2],
                skip: true),
            LayerSpecification(
                name: "block3", block: .convolution, width: 32, modules: 16, inner: 8, kernel: [1, 3], skip: true),
        ],
        selector: SelectorSpecification(pool: [1, 4], widths: [32], topK: 4))
}

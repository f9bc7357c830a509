import Foundation
import PythonReference

/// What PyTorch computes for every operation, and for a few steps of its optimisers: asked once for all tests.
enum TorchReference {
    struct Answer: Decodable {
        var operations: [String: Operation.Evaluation]
        var steps: [String: [Float]]
    }

    static let answer = Result { try ask() }

    private struct Question: Encodable {
        var name: String
        var shapes: [[Int]]
        var inputs: [[Float]]
        var python: String
    }

    private static func ask() throws -> Answer {
        let questions = Operation.all.map {
            Question(name: $0.name, shapes: $0.shapes, inputs: $0.inputs, python: $0.python)
        }
        let folder = try TemporaryFolder()
        try JSONEncoder().encode(questions).write(to: URL(fileURLWithPath: folder.file("questions.json")))
        try PythonReference.runTorch(script, folder.file("questions.json"), folder.file("answers.json"))
        return try JSONDecoder().decode(
            Answer.self, from: Data(contentsOf: URL(fileURLWithPath: folder.file("answers.json"))))
    }

    private static let script = """
        import json, math, sys
        import torch
        import torch.nn.functional as F

        answers = {"operations": {}, "steps": {}}
        for question in json.load(open(sys.argv[1])):
            x = [torch.tensor(values).reshape(shape).requires_grad_()
                 for values, shape in zip(question["inputs"], question["shapes"])]
            output = eval(question["python"])
            cycle = [0.5, -1, 0.75, 1.25, -0.25, 1, -0.5]
            weights = torch.tensor([cycle[i % 7] for i in range(output.numel())]).reshape(output.shape)
            (output * weights).sum().backward()
            answers["operations"][question["name"]] = {
                "shape": list(output.shape), "output": output.flatten().tolist(),
                "gradients": [tensor.grad.flatten().tolist() for tensor in x]}

        # Twenty steps down sum(exp(p) - 2p + p^2 / 4), from the same start as in OptimizerStepTests.
        for name, make in {
            "sgd": lambda p: torch.optim.SGD([p], lr=0.1),
            "momentum": lambda p: torch.optim.SGD([p], lr=0.05, momentum=0.9, weight_decay=0.01),
            "adam": lambda p: torch.optim.AdamW([p], lr=0.1, weight_decay=0),
            "adamw": lambda p: torch.optim.AdamW([p], lr=0.05, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1),
        }.items():
            p = torch.tensor([-1.0, 0.25, 0.5, 2.0]).requires_grad_()
            optimiser = make(p)
            for _ in range(20):
                optimiser.zero_grad()
                (p.exp() - 2 * p + p * p / 4).sum().backward()
                optimiser.step()
            answers["steps"][name] = p.tolist()
        json.dump(answers, open(sys.argv[2], "w"))
        """
}

/// Whether all pairs of values agree up to a tolerance, relative for values above 1 and absolute below.
func agree(_ left: [Float], _ right: [Float], within tolerance: Float) -> Bool {
    left.count == right.count
        && zip(left, right).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($0), abs($1)) }
}

using DistNet.Optimizers;
using Xunit;

namespace DistNet.Tests.Optimizers;

/// <summary>One row of the table of optimizers × properties: a new optimizer, or a new setting of one, is a new row.</summary>
public sealed record OptimizerCase(string Name, OptimizerOptions Optimizer, RegularizationOptions Regularization)
{
    private static readonly RegularizationOptions None = new();

    public static OptimizerCase[] All { get; } =
    [
        new("sgd", new() { Kind = OptimizerKind.Sgd, LearningRate = 0.05 }, None),
        new("sgd, decay", new() { Kind = OptimizerKind.Sgd, LearningRate = 0.05, WeightDecay = 0.1 }, None),
        new("sgd, momentum, L2", new() { Kind = OptimizerKind.Sgd, LearningRate = 0.05, Momentum = 0.9 }, new() { L2 = 0.01 }),
        new("sgd, Nesterov, L1, clipped", new() { Kind = OptimizerKind.Sgd, LearningRate = 0.05, Momentum = 0.9, Nesterov = true, ClipNorm = 1 }, new() { L1 = 0.01 }),
        new("adam", new() { Kind = OptimizerKind.Adam, LearningRate = 0.01 }, None),
        new("adam, L1, L2, biases", new() { Kind = OptimizerKind.Adam, LearningRate = 0.01, DecayBiases = true }, new() { L1 = 0.02, L2 = 0.01 }),
        new("adamw", new() { Kind = OptimizerKind.AdamW, LearningRate = 0.01, WeightDecay = 0.1 }, None),
        new("adamw, clipped, biases", new() { Kind = OptimizerKind.AdamW, LearningRate = 0.01, WeightDecay = 0.1, ClipNorm = 0.5, DecayBiases = true }, None),
        new("sgd, averaged", new() { Kind = OptimizerKind.Sgd, LearningRate = 0.05, EmaDecay = 0.3 }, None),
        new("adamw, averaged", new() { Kind = OptimizerKind.AdamW, LearningRate = 0.01, WeightDecay = 0.1, EmaDecay = 0.999 }, None),
    ];

    public static IEnumerable<ITheoryDataRow> Rows => All.Select(row => new TheoryDataRow<OptimizerCase>(row).WithTestDisplayName(row.Name));

    public override string ToString() => Name;
}

using System.Collections.Immutable;
using DistNet.Checkpoints;
using DistNet.Graphs;
using DistNet.Interchange;
using DistNet.Modules;
using DistNet.Optimizers;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Interchange;

/// <summary>An optimizer's state that comes from a file: of the parameters that are trained and imported, and of no others.</summary>
public sealed class OptimizerImportTests : IDisposable
{
    private static readonly OptimizerOptions Adam = new() { Kind = OptimizerKind.AdamW, Beta1 = 0.9, Beta2 = 0.99 };
    private static readonly OptimizerOptions Momentum = new() { Kind = OptimizerKind.Sgd, Momentum = 0.9 };

    // fc1 is frozen, and a batch norm has buffers beside its parameters.
    private static readonly Graph Model = Graph.Build(ModelDefinition.Chain(new Linear(3), new BatchNorm(), new Linear(2)).Freeze("fc1"), new Shape(4));

    private static readonly NamedTensor[] MomentumState =
        [Tensor("bn1.weight.momentum_buffer", 3), Tensor("bn1.bias.momentum_buffer", 3), Tensor("fc2.weight.momentum_buffer", 2, 3), Tensor("fc2.bias.momentum_buffer", 2)];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Slots_of_what_is_trained_come_by_name_with_the_number_of_updates()
    {
        NamedTensor[] tensors = [.. MomentumState.SelectMany(tensor => new[] { "exp_avg_sq", "exp_avg" }.Select(slot => Tensor(tensor.Name.Replace("momentum_buffer", slot), [.. tensor.Shape.Dimensions])))];
        (TrainingState state, ImmutableArray<OptimizerSlot> slots) = Read(Adam, tensors, updates: 3);
        Assert.Equal((3, 0.9 * 0.9 * 0.9, 0.99 * 0.99 * 0.99), (state.Updates, state.Beta1Power, state.Beta2Power));
        Assert.Equal(["firstMoment", "secondMoment"], slots.Select(slot => slot.Name));
        foreach (OptimizerSlot slot in slots)
        {
            foreach (ParameterEntry entry in Model.Layout.Entries)
            {
                NamedTensor? tensor = tensors.SingleOrDefault(tensor => tensor.Name == $"{entry.Name}.{(slot.Name == "firstMoment" ? "exp_avg" : "exp_avg_sq")}");
                Assert.Equal(entry.IsTrained, tensor is not null);
                Assert.Equal(tensor?.Values.ToArray() ?? new float[entry.Length], slot.Values[entry].ToArray());
            }
        }
    }

    [Fact]
    public void What_is_skipped_starts_without_a_state_and_may_be_missing_left_over_or_of_another_shape()
    {
        (_, ImmutableArray<OptimizerSlot> slots) = Read(Momentum, [.. MomentumState[..2], Tensor("fc2.weight.momentum_buffer", 9, 3), Tensor("head.scale.momentum_buffer", 1)], 5, "fc2.*", "head.*");
        foreach (ParameterEntry entry in Model.Layout.Entries)
        {
            NamedTensor? tensor = MomentumState[..2].SingleOrDefault(tensor => tensor.Name == $"{entry.Name}.momentum_buffer");
            Assert.Equal(tensor?.Values.ToArray() ?? new float[entry.Length], slots[0].Values[entry].ToArray());
        }
    }

    [Fact]
    public void What_does_not_fit_is_told_in_one_sentence()
    {
        string Refused(NamedTensor[] tensors, long? updates = 5) => RefusedFor(Momentum, tensors, updates);
        string RefusedFor(OptimizerOptions optimizer, NamedTensor[] tensors, long? updates) =>
            Assert.Throws<DistNetException>(() => Read(optimizer, tensors, updates)).Message.Replace(folder.Path, "F", StringComparison.Ordinal);
        const string Begin = "The file 'F/o' does not fit optimizer and model: ", End = "; expected the state of each parameter that is trained and imported.";
        Assert.Equal("training.initializeFrom.optimizer is given, but SGD without momentum has no state; leave it out.", RefusedFor(new() { Kind = OptimizerKind.Sgd }, MomentumState, 5));
        Assert.Equal($"{Begin}it lacks fc2.weight.momentum_buffer, fc2.bias.momentum_buffer and step{End}", Refused(MomentumState[..2], updates: null));
        Assert.Equal($"{Begin}it has fc1.scale.momentum_buffer, which the optimizer lacks{End}", Refused([.. MomentumState, Tensor("fc1.scale.momentum_buffer", 1)]));
        Assert.Equal($"{Begin}fc2.bias.momentum_buffer is [3] there and [2] in the model{End}", Refused([.. MomentumState[..3], Tensor("fc2.bias.momentum_buffer", 3)]));
        Assert.Equal(
            "The file 'F/o' has NaN as value 2 of bn1.bias.momentum_buffer; expected finite numbers.",
            Refused([MomentumState[0], MomentumState[1] with { Values = new[] { 0, 1, float.NaN } }, .. MomentumState[2..]]));
        const string Step = "expected one whole number (I64) from 0 to 1000000000.";
        Assert.Equal($"The file 'F/o' has a step of type F32 [1], or out of bounds; {Step}", Refused([.. MomentumState, Tensor("step", 1)], updates: null));
        Assert.EndsWith(Step, Refused(MomentumState, updates: -1));
        Assert.EndsWith(Step, Refused(MomentumState, updates: 1_000_000_001));
        string adam = RefusedFor(Adam, MomentumState, 5);
        Assert.StartsWith($"{Begin}it lacks bn1.weight.exp_avg, ", adam);
        Assert.EndsWith($"; it has bn1.weight.momentum_buffer, bn1.bias.momentum_buffer, fc2.weight.momentum_buffer and fc2.bias.momentum_buffer, which the optimizer lacks{End}", adam);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(0.9)]
    [InlineData(0.999)]
    public void A_power_is_the_product_of_any_number_of_factors(double beta)
    {
        double power = 1;
        for (int updates = 0; updates < 800_000; updates++)
        {
            if (updates < 20 || updates % 10_007 == 0)
            {
                Assert.Equal(power, OptimizerImport.Power(beta, updates));
            }

            power *= beta;
        }

        Assert.Equal(power, OptimizerImport.Power(beta, 1_000_000_000));
    }

    private (TrainingState State, ImmutableArray<OptimizerSlot> Slots) Read(OptimizerOptions optimizer, NamedTensor[] tensors, long? updates, params ReadOnlySpan<string> skip)
    {
        using MemoryStream stream = new();
        SafetensorsFile.Write(stream, [.. tensors], updates is { } number ? [new NamedNumber("step", number)] : [], ImmutableDictionary<string, string>.Empty);
        Job job = new() { Model = Model.Definition, Optimizer = optimizer, Training = new() { InitializeFrom = new("w") { Optimizer = folder.Write("o", stream.ToArray()), Skipped = [.. skip] } } };
        ImmutableArray<OptimizerSlot> slots = [.. UpdateRule.For(optimizer).SlotNames.Select(name => new OptimizerSlot(name, new Arena(Model.Layout)))];
        return (InitialParameters.ReadOptimizer(job, slots, new TrainingState()), slots);
    }

    // Other values for every name and place.
    private static NamedTensor Tensor(string name, params ReadOnlySpan<int> dimensions)
    {
        Shape shape = new(dimensions);
        return new(name, shape, Enumerable.Range(0, shape.Length).Select(i => (name.Sum(symbol => symbol) * 100f) + i).ToArray());
    }
}

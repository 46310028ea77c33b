using System.Collections.Immutable;
using CsCheck;
using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Tests.Checkpoints;

/// <summary>Checkpoints and their parts to test with.</summary>
internal static class Samples
{
    public static readonly Layout Layout = new(
        [("fc1.weight", new Shape(3, 2), ParameterRole.Weight), ("fc1.bias", new Shape(3), ParameterRole.Bias), ("norm.scale", new Shape(1), ParameterRole.Scale), ("norm.running_mean", new Shape(2), ParameterRole.Buffer)]);

    public static readonly Gen<double> AnyDouble = Gen.OneOf(
        Gen.Double, Gen.Int[0, 8].Select(i => new[] { 0.0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, double.MaxValue, 0.1, 1.0 / 3 }[i]));

    public static readonly Gen<TrainingState> States = Gen.Select(
        Gen.Long[0, long.MaxValue], Gen.Int[0, int.MaxValue], AnyDouble.Array[14], Gen.Bool, (step, count, doubles, stopped) => new TrainingState
        {
            Step = step,
            Epoch = count,
            StepInEpoch = count / 2,
            SkippedSteps = step / 3,
            Updates = step / 2,
            Beta1Power = doubles[0],
            Beta2Power = doubles[1],
            PlateauFactor = doubles[2],
            PlateauBestLoss = doubles[3],
            PlateauBadEpochs = count / 5,
            BestLoss = doubles[4],
            BestEpoch = count / 7,
            EpochsSinceBest = count / 9,
            StoppedEarly = stopped,
            EpochSums = new NodeMetrics(doubles[5], doubles[6], step / 11, step / 13),
            LastTrainLoss = doubles[7],
            LastTrainAccuracy = doubles[8],
            LastValidationLoss = doubles[9],
            LastValidationAccuracy = doubles[10],
        });

    public static Arena Arena(float first) => Arena(Layout, first);

    public static Arena Arena(Layout layout, float first)
    {
        Arena arena = new(layout);
        foreach (ParameterEntry entry in layout.Entries)
        {
            Span<float> values = arena[entry];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = first + (entry.Offset * 0.01f) + (i * 0.001f);
            }
        }

        return arena;
    }

    public static Checkpoint Checkpoint(long step, bool best = false) => new()
    {
        State = new TrainingState { Step = step, Epoch = (int)step, BestEpoch = best ? (int)step : 0, LastTrainLoss = 0.1 * step },
        JobJson = """{"model": ["é", 1.0]}""",
        Model = new ModelInfo(new Shape(1, 2), ["cat", "dög"], new NormalizationStatistics(NormalizeMode.Feature, [1, 2], [0, 0.5f])) { FeatureNames = ["a", "b"] },
        DataFingerprint = "abc",
        Parameters = Arena(step),
        Slots = new Dictionary<string, Arena> { ["secondMoment"] = Arena(step + 0.25f), ["firstMoment"] = Arena(step + 0.5f) },
        Best = Arena(step + 0.75f),
    };

    /// <summary>The folder of a small checkpoint, written.</summary>
    public static string Written(TemporaryFolder run, long step) => new CheckpointStore(run.Path).Write(Checkpoint(step));

    public static ImmutableArray<string> Steps(TemporaryFolder run) =>
        [.. Directory.GetDirectories(run["checkpoints"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
}

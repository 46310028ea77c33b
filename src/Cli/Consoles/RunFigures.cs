using System.Globalization;
using System.Text.Json.Nodes;
using DistNet.Training;

namespace DistNet.Cli.Consoles;

/// <summary>What the table at a run's end shows: of a run in this process, or of one whose coordinator told it by JSON.</summary>
internal sealed record RunFigures
{
    public required int Epochs { get; init; }

    public required long Steps { get; init; }

    public required bool StoppedEarly { get; init; }

    public required double TrainLoss { get; init; }

    public required double ValidationLoss { get; init; }

    public required double ValidationAccuracy { get; init; }

    public required double TestLoss { get; init; }

    public required double TestAccuracy { get; init; }

    public required TimeSpan TrainingTime { get; init; }

    public required double SamplesPerSecond { get; init; }

    public required int Recoveries { get; init; }

    public required string ParametersSha256 { get; init; }

    public static RunFigures Of(RunResult result) => new()
    {
        Epochs = result.Epochs,
        Steps = result.Steps,
        StoppedEarly = result.StoppedEarly,
        TrainLoss = result.TrainLoss,
        ValidationLoss = result.ValidationLoss,
        ValidationAccuracy = result.ValidationAccuracy,
        TestLoss = result.TestLoss,
        TestAccuracy = result.TestAccuracy,
        TrainingTime = result.TrainingTime,
        SamplesPerSecond = result.SamplesPerSecond,
        Recoveries = result.Recoveries,
        ParametersSha256 = result.ParametersSha256,
    };

    /// <summary>Reads the event <c>done</c>.</summary>
    public static RunFigures Of(JsonObject done)
    {
        double Number(string name) => done[name]?.GetValue<double>() ?? double.NaN;
        return new RunFigures
        {
            Epochs = (int)Number("epochs"),
            Steps = (long)Number("steps"),
            StoppedEarly = done["stopped_early"]?.GetValue<bool>() ?? false,
            TrainLoss = Number("train.loss"),
            ValidationLoss = Number("validation.loss"),
            ValidationAccuracy = Number("validation.accuracy"),
            TestLoss = Number("test.loss"),
            TestAccuracy = Number("test.accuracy"),
            TrainingTime = TimeSpan.FromSeconds(Number("training_seconds")),
            SamplesPerSecond = Number("samples_per_second"),
            Recoveries = (int)Number("recoveries"),
            ParametersSha256 = done["parameters_sha256"]?.GetValue<string>() ?? "",
        };
    }

    /// <summary>Workers of equal threads, for the table.</summary>
    public static string Workers(int count, int threads) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} × {threads} {(threads == 1 ? "thread" : "threads")}");
}

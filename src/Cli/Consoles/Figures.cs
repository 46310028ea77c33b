using System.Globalization;
using DistNet.Training;

namespace DistNet.Cli.Consoles;

/// <summary>Numbers as people read them, the same in every display.</summary>
internal static class Figures
{
    public static string Loss(double value) => double.IsNaN(value) ? "–" : value.ToString(Math.Abs(value) is >= 1e-3 and < 1e4 or 0 ? "0.0000" : "0.000e+0", CultureInfo.InvariantCulture);

    public static string Percent(double share) => double.IsNaN(share) ? "–" : (share * 100).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    public static string Count(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Rate(double value) => value == 0 ? "0" : value.ToString("0.###e+0", CultureInfo.InvariantCulture);

    public static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");

    public static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + " s";

    /// <summary>One finished epoch on one line.</summary>
    public static string EpochLine(TrainingProgress progress)
    {
        string width = progress.Epochs.ToString(CultureInfo.InvariantCulture);
        string line = $"epoch {progress.Epoch.ToString(CultureInfo.InvariantCulture).PadLeft(width.Length)}/{width}  loss {Loss(progress.Loss)}";
        line += double.IsNaN(progress.Accuracy) ? "" : $"  accuracy {Percent(progress.Accuracy)}";
        if (progress.ValidationLoss is { } loss && !double.IsNaN(loss))
        {
            line += $"  validation loss {Loss(loss)}";
            line += progress.ValidationAccuracy is { } accuracy && !double.IsNaN(accuracy) ? $"  accuracy {Percent(accuracy)}" : "";
        }

        return line + $"  rate {Rate(progress.LearningRate)}" + (progress.SamplesPerSecond > 0 ? $"  {Count(progress.SamplesPerSecond)} samples/s" : "");
    }

    /// <summary>What a run is about to do, on one line.</summary>
    public static string StartLine(RunStart start)
    {
        string workers = start.Workers == 0
            ? "workers join as they like"
            : string.Create(CultureInfo.InvariantCulture, $"{start.Workers} {(start.Workers == 1 ? "worker" : "workers")} × {start.Threads} {(start.Threads == 1 ? "thread" : "threads")}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(start.Resumed ? "going on with" : "training")} {start.JobFile}: {start.Parameters:#,0} parameters, {start.TrainSamples:#,0} training, {start.ValidationSamples:#,0} validation and {start.TestSamples:#,0} test samples; {start.Epochs} epochs of {start.StepsPerEpoch:#,0} steps; {workers}");
    }
}

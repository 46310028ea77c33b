using System.Globalization;
using System.Text;

namespace DistNet.Checkpoints;

/// <summary>One epoch of a run, a row of <c>metrics.csv</c>. NaN is written as an empty field.</summary>
public sealed record MetricsRow
{
    /// <summary>Epochs completed, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Steps completed.</summary>
    public required long Step { get; init; }

    /// <summary>The learning rate of the epoch's last step.</summary>
    public double LearningRate { get; init; } = double.NaN;

    /// <summary>The epoch's mean training loss, penalties excluded.</summary>
    public double TrainLoss { get; init; } = double.NaN;

    /// <summary>The epoch's training accuracy in [0, 1].</summary>
    public double TrainAccuracy { get; init; } = double.NaN;

    /// <summary>The mean validation loss.</summary>
    public double ValidationLoss { get; init; } = double.NaN;

    /// <summary>The validation accuracy in [0, 1].</summary>
    public double ValidationAccuracy { get; init; } = double.NaN;

    /// <summary>The global norm of the epoch's last gradient, before clipping.</summary>
    public double GradientNorm { get; init; } = double.NaN;

    /// <summary>Training samples per second.</summary>
    public double SamplesPerSecond { get; init; } = double.NaN;

    /// <summary>Seconds since the run (or its resumption) began.</summary>
    public double Seconds { get; init; } = double.NaN;
}

/// <summary>Writes <c>metrics.csv</c>: the header once, then a row per epoch, each handed to the system at once. A resume cuts it back to its checkpoint.</summary>
public sealed class MetricsFile : IDisposable
{
    /// <summary>The first line.</summary>
    public const string Header =
        "epoch,step,learningRate,train.loss,train.accuracy,validation.loss,validation.accuracy,gradientNorm,samples_per_second,seconds";

    private readonly FileStream file;

    private MetricsFile(FileStream file) => this.file = file;

    /// <summary>Opens the file, made if it is not there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="epochs">The epochs that the checkpoint has completed: rows of later ones, and a torn last one, are removed; 0 starts anew.</param>
    /// <exception cref="DistNetException">The file cannot be written.</exception>
    public static MetricsFile Open(string path, int epochs)
    {
        ArgumentNullException.ThrowIfNull(path);
        AtomicFile.WriteAllText(path, string.Concat(Kept(path, epochs).Prepend(Header).Select(line => line + "\n")));
        return new MetricsFile(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read));
    }

    /// <summary>Appends a row.</summary>
    /// <exception cref="DistNetException">The disk is full.</exception>
    public void Append(MetricsRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        string line = string.Join(
            ',',
            row.Epoch.ToString(CultureInfo.InvariantCulture),
            row.Step.ToString(CultureInfo.InvariantCulture),
            Text(row.LearningRate),
            Text(row.TrainLoss),
            Text(row.TrainAccuracy),
            Text(row.ValidationLoss),
            Text(row.ValidationAccuracy),
            Text(row.GradientNorm),
            Text(row.SamplesPerSecond),
            Text(row.Seconds));
        try
        {
            file.Write(Encoding.UTF8.GetBytes(line + "\n"));
            file.Flush();
        }
        catch (Exception error) when (WriteFailure.Is(error))
        {
            throw DistNetException.Failed($"The file '{file.Name}' could not be written: {WriteFailure.Words(error)}.", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static IEnumerable<string> Kept(string path, int epochs)
    {
        if (epochs == 0 || !File.Exists(path))
        {
            return [];
        }

        string text = File.ReadAllText(path);
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n')
            .Skip(1)
            .Where(line => int.TryParse(line.Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int epoch) && epoch <= epochs);
    }

    private static string Text(double value) => double.IsNaN(value) ? "" : value.ToString("R", CultureInfo.InvariantCulture);
}

using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Optimizers;

namespace DistNet.Training;

/// <summary>Everything that decides a run's result: the job file as values. Two runs of one job over the same data give the same bits.</summary>
public sealed record Job
{
    /// <summary>The data: files, split, labels and normalisation. Null where a library user hands over datasets instead.</summary>
    public DataOptions? Data { get; init; }

    /// <summary>The model, as nodes of a DAG.</summary>
    public required ModelDefinition Model { get; init; }

    /// <summary>The loss.</summary>
    public LossOptions Loss { get; init; } = new();

    /// <summary>The update rule.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Penalties added to the loss.</summary>
    public RegularizationOptions Regularization { get; init; } = new();

    /// <summary>The learning rate over time.</summary>
    public ScheduleOptions Schedule { get; init; } = new();

    /// <summary>Epochs, batch, slice, seed and stopping.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>How often to write checkpoints and how many to keep; cannot change the result.</summary>
    public CheckpointOptions Checkpoints { get; init; } = new();
}

/// <summary>The format of data files.</summary>
public enum DataFormat
{
    /// <summary>Comma-separated values (or another delimiter), gzip or not.</summary>
    Csv,

    /// <summary>The IDX format of MNIST, gzip or not.</summary>
    Idx,

    /// <summary>NumPy's files: a pair of npy files, or two arrays of an npz file.</summary>
    Npy,

    /// <summary>A folder of PNG and JPEG files, with a folder for each class.</summary>
    Images,

    /// <summary>Parquet files: tables whose columns have names and types.</summary>
    Parquet,
}

/// <summary>How inputs are normalised: (x − m) / max(σ, ε) with statistics of the training split alone.</summary>
public enum NormalizeMode
{
    /// <summary>Each input feature by its own mean and deviation.</summary>
    Feature,

    /// <summary>Each channel (the first of three dimensions; all of a two-dimensional image) by its own.</summary>
    Channel,

    /// <summary>As they are.</summary>
    None,
}

/// <summary>The files of one split, as written in the job: one file or folder, or a pair of inputs and labels, or an npz file with the names of two arrays.</summary>
/// <param name="File">The CSV or Parquet file, the npz file, or the folder of images.</param>
/// <param name="Images">The IDX file of inputs.</param>
/// <param name="Labels">The IDX or npy file of labels; beside <paramref name="File"/> the name of the array in it.</param>
/// <param name="Inputs">The npy file of inputs; beside <paramref name="File"/> the name of the array in it.</param>
public sealed record DataFiles(string? File = null, string? Images = null, string? Labels = null, string? Inputs = null)
{
    /// <summary>The name of the array of inputs in an npz file where none is given.</summary>
    public const string InputsArray = "inputs";

    /// <summary>The name of the array of labels in an npz file where none is given.</summary>
    public const string LabelsArray = "labels";
}

/// <summary>The <c>data</c> section of a job.</summary>
public sealed record DataOptions
{
    /// <summary>The folder that relative paths start from (the job file's).</summary>
    public string BaseFolder { get; init; } = "";

    /// <summary>The files' format.</summary>
    public DataFormat Format { get; init; } = DataFormat.Csv;

    /// <summary>The training files.</summary>
    public required DataFiles Train { get; init; }

    /// <summary>The share of the training samples kept apart for validation, in [0, 1), split keyed by the seed; 0 for none. Ignored where <see cref="Validation"/> is given.</summary>
    public double ValidationShare { get; init; }

    /// <summary>Files of their own for validation.</summary>
    public DataFiles? Validation { get; init; }

    /// <summary>Files for the test at the end, used for nothing else.</summary>
    public DataFiles? Test { get; init; }

    /// <summary>Tables: the label's column: <c>first</c>, <c>last</c>, a name, or a number from 0.</summary>
    public string Label { get; init; } = "last";

    /// <summary>CSV: whether the first line names the columns; null finds out (a line with a name that the job gives, or with a text where a number is expected, is a header).</summary>
    public bool? Header { get; init; }

    /// <summary>CSV: the delimiter, one character.</summary>
    public char Delimiter { get; init; } = ',';

    /// <summary>Tables: columns with missing values or categories, and those to ignore.</summary>
    public ColumnRules Columns { get; init; } = ColumnRules.None;

    /// <summary>Images: the size to which all are scaled, in pixels; null where they have one size.</summary>
    public Size2d? ImageSize { get; init; }

    /// <summary>Images: 3 for red, green and blue, 1 for grey.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>How inputs are normalised. Categories never are.</summary>
    public NormalizeMode Normalize { get; init; } = NormalizeMode.Feature;
}

/// <summary>What to do when a gradient holds a NaN or an infinity.</summary>
public enum NonFinitePolicy
{
    /// <summary>Stop the run with a sentence that names step, slices and layer.</summary>
    Stop,

    /// <summary>Skip the step: parameters, slots and Adam's t stay as they were.</summary>
    Skip,
}

/// <summary>Whether the samples' order changes.</summary>
public enum ShuffleMode
{
    /// <summary>A new order each epoch.</summary>
    Epoch,

    /// <summary>One shuffled order for the whole run.</summary>
    Once,

    /// <summary>The data's own order.</summary>
    None,
}

/// <summary>How weights start.</summary>
public enum InitializationScheme
{
    /// <summary>Kaiming uniform over fan-in with the gain of the activation that consumes the output; biases 0.</summary>
    Kaiming,

    /// <summary>PyTorch's default for Linear: weights and biases uniform in ±1/√fan-in.</summary>
    PyTorch,
}

/// <summary>Parameters to start from, in place of random ones.</summary>
/// <param name="File">The safetensors file; a relative path starts from <see cref="DataOptions.BaseFolder"/>.</param>
public sealed record InitializeFromOptions(string File)
{
    /// <summary>The file's SHA-256 in lower-case hexadecimal; null takes it as it is.</summary>
    public string? Sha256 { get; init; }

    /// <summary>A second safetensors file, of the optimizer's state; null starts the optimizer anew.</summary>
    public string? Optimizer { get; init; }

    /// <summary>The second file's SHA-256, as <see cref="Sha256"/>.</summary>
    public string? OptimizerSha256 { get; init; }

    /// <summary>Names that are neither expected in the file nor taken from it, <c>*</c> for any characters: those parameters start at random.</summary>
    public ImmutableArray<string> Skipped { get; init; } = [];

    /// <summary>Whether a name is among <see cref="Skipped"/>.</summary>
    public bool Skips(string name) => Skipped.Any(pattern => NamePattern.Matches(pattern, name));
}

/// <summary>Stops when the validation loss no longer falls, and restores the best parameters.</summary>
/// <param name="Patience">Epochs without improvement before the run stops; at least 1.</param>
/// <param name="MinimumImprovement">How much lower the validation loss must be to count, at least 0.</param>
public sealed record EarlyStoppingOptions(int Patience, double MinimumImprovement = 0);

/// <summary>The <c>training</c> section of a job.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the training data, at least 1.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Samples per step, all workers together, at least 1. The last batch of an epoch may be short.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Samples per slice, the unit of the canonical sum, at least 1.</summary>
    public int Slice { get; init; } = 32;

    /// <summary>The key of all randomness.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether the order changes.</summary>
    public ShuffleMode Shuffle { get; init; } = ShuffleMode.Epoch;

    /// <summary>How weights start.</summary>
    public InitializationScheme Initialization { get; init; } = InitializationScheme.Kaiming;

    /// <summary>Parameters to start from; null starts from random ones alone.</summary>
    public InitializeFromOptions? InitializeFrom { get; init; }

    /// <summary>Early stopping; null trains all epochs and keeps the last parameters.</summary>
    public EarlyStoppingOptions? EarlyStopping { get; init; }

    /// <summary>What to do with a non-finite gradient.</summary>
    public NonFinitePolicy NonFinite { get; init; } = NonFinitePolicy.Stop;
}

/// <summary>The <c>checkpoints</c> section of a job. A checkpoint is always written at each epoch's end.</summary>
public sealed record CheckpointOptions
{
    /// <summary>Seconds between checkpoints; null for none by time.</summary>
    public double? EverySeconds { get; init; } = 5;

    /// <summary>Steps between checkpoints; null for none by step.</summary>
    public long? EverySteps { get; init; }

    /// <summary>How many of the latest are kept, at least 1; the best is kept besides.</summary>
    public int Keep { get; init; } = 3;
}

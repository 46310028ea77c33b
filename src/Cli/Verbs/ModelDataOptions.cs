using System.CommandLine;
using DistNet.Cli.Consoles;
using DistNet.Data;
using DistNet.Jobs;
using DistNet.Losses;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary>The options by which evaluate and predict load a model and read data for it: those of the job unless given.</summary>
internal sealed class ModelDataOptions
{
    public Argument<string> Run { get; } = new("RUN") { Description = "A run folder or a checkpoint." };

    public Argument<string> Data { get; } = new("DATA") { Description = "A CSV or Parquet file, an IDX or npy file of inputs, an npz file, or a folder of images." };

    public Option<string?> Labels { get; } = new("--labels") { Description = "IDX and npy: the file of labels; npz: the name of their array, in place of the job's.", HelpName = "FILE" };

    public Option<string?> Inputs { get; } = new("--inputs") { Description = "npz: the name of the array of inputs, in place of the job's.", HelpName = "NAME" };

    public Option<string?> Label { get; } = new("--label") { Description = "Tables: the label's column, in place of the job's data.label: first, last, a name, or a number from 0.", HelpName = "COLUMN" };

    public Option<string?> Header { get; } = new("--header") { Description = "CSV: whether the first line names the columns: auto, true or false.", HelpName = "WORD" };

    public Option<string?> Delimiter { get; } = new("--delimiter") { Description = "CSV: the character between fields, or tab.", HelpName = "CHARACTER" };

    public Option<int?> Threads { get; } = CommandTree.Count("--threads", "Compute threads; by default one per core.");

    public void AddTo(Command command)
    {
        command.Arguments.Add(Run);
        command.Arguments.Add(Data);
        command.Options.Add(Labels);
        command.Options.Add(Inputs);
        command.Options.Add(Label);
        command.Options.Add(Header);
        command.Options.Add(Delimiter);
        command.Options.Add(Threads);
    }

    /// <summary>Loads the model.</summary>
    /// <exception cref="DistNetException">There is none, or it is torn or altered.</exception>
    public TrainedModel LoadModel(ParseResult parsed, Terminal terminal) =>
        TrainedModel.Load(parsed.GetRequiredValue(Run), sentence => terminal.Errors.WriteLine($"warning: {sentence}"), threads: parsed.GetValue(Threads));

    /// <summary>Reads the file with its labels. What it is, its content says.</summary>
    /// <exception cref="DistNetException">It is missing, damaged or does not fit the model, or its labels are not given.</exception>
    public Dataset Load(ParseResult parsed, TrainedModel model)
    {
        string path = parsed.GetRequiredValue(Data);
        string? labels = parsed.GetValue(Labels);
        (LossKind loss, DataExpectation expected) = (model.Job.Loss.Kind, model.Info.Expectation);
        DataFileKind kind = Kind(path, model.Job);
        if (labels is null && kind is DataFileKind.Idx or DataFileKind.Npy)
        {
            throw DistNetException.Usage($"{path} is an {(kind == DataFileKind.Idx ? "IDX" : "npy")} file of inputs; expected --labels with the file of its labels.");
        }

        return kind switch
        {
            DataFileKind.Folder => ImageDataset.Load(path, Images(model.Job), loss, expected),
            DataFileKind.Npy => NpyDataset.Load(path, labels!, loss, expected),
            DataFileKind.Npz => NpyDataset.LoadNpz(path, InputsArray(parsed, model.Job), labels ?? NpzOf(model.Job)?.Labels ?? DataFiles.LabelsArray, loss, expected),
            _ when labels is not null => IdxDataset.Load(path, labels, loss, expected),
            _ => TableDataset.Load(path, Table(parsed, model.Job, kind), loss, expected),
        };
    }

    /// <summary>Reads the file's inputs alone.</summary>
    /// <exception cref="DistNetException">It is missing, damaged or does not fit the model.</exception>
    public Dataset LoadInputs(ParseResult parsed, TrainedModel model)
    {
        string path = parsed.GetRequiredValue(Data);
        DataExpectation expected = model.Info.Expectation;
        DataFileKind kind = Kind(path, model.Job);
        return kind switch
        {
            DataFileKind.Folder => ImageDataset.LoadInputs(path, Images(model.Job), expected),
            DataFileKind.Idx => IdxDataset.LoadInputs(path, expected),
            DataFileKind.Npy => NpyDataset.LoadInputs(path, expected: expected),
            DataFileKind.Npz => NpyDataset.LoadInputs(path, InputsArray(parsed, model.Job), expected),
            _ => TableDataset.LoadInputs(path, Table(parsed, model.Job, kind), expected),
        };
    }

    private static ImageOptions Images(Job job) => job.Data is { } data ? ImageOptions.From(data) : new ImageOptions();

    private static DataFileKind Kind(string path, Job job) => (DataFileKinds.Of(path), job.Data?.Format) switch
    {
        (DataFileKind.Csv, DataFormat.Images) when File.Exists(path) => throw DistNetException.BadInput($"'{path}' is a file; expected a folder of images, as the model takes images."),
        (DataFileKind.Folder, DataFormat.Csv or DataFormat.Parquet) => throw DistNetException.BadInput($"'{path}' is a folder; expected a table, as the model takes tables."),
        (DataFileKind kind, _) => kind,
    };

    // The names of the job's arrays; of files in a pair, which are no arrays' names, none.
    private static DataFiles? NpzOf(Job job) => job.Data?.Train is { File: not null } files ? files : null;

    private string InputsArray(ParseResult parsed, Job job) => parsed.GetValue(Inputs) ?? NpzOf(job)?.Inputs ?? DataFiles.InputsArray;

    private TableOptions Table(ParseResult parsed, Job job, DataFileKind kind)
    {
        TableOptions options = job.Data is { } data ? TableOptions.From(data) : new TableOptions();
        return options with
        {
            Format = kind == DataFileKind.Parquet ? DataFormat.Parquet : DataFormat.Csv,
            Label = parsed.GetValue(Label) ?? options.Label,
            Header = Key<bool?>(parsed, Header, "data.header", options.Header),
            Delimiter = Key<char>(parsed, Delimiter, "data.delimiter", options.Delimiter),
        };
    }

    private static T Key<T>(ParseResult parsed, Option<string?> option, string path, T fallback)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return fallback;
        }

        JobKey key = JobKeys.All.First(key => key.Path == path);
        return key.Type.TryRead(new JobScalar(new JobPlace(option.Name), text, quoted: false), out object? value)
            ? (T)value!
            : throw DistNetException.Usage($"{option.Name} is '{text}'; expected {key.Type.Expected}.");
    }
}

using System.Collections.Immutable;
using System.Globalization;
using DistNet.Losses;
using DistNet.Randomness;
using DistNet.Training;

namespace DistNet.Data;

/// <summary>Reads a job's data: finds the files, reads and checks them, splits off the validation samples and computes the normalisation.</summary>
public static class DataLoader
{
    /// <summary>Reads the data of a job.</summary>
    /// <param name="options">The job's <c>data</c> section.</param>
    /// <param name="loss">The loss; decides what labels are.</param>
    /// <param name="seed">The job's seed; keys the split.</param>
    /// <param name="dataFolder">A folder where files are looked for first, by the name in the job and then by its last part; null for none.</param>
    /// <exception cref="DistNetException">A file is missing, damaged or does not fit, or the split leaves no training sample.</exception>
    public static LoadedData Load(DataOptions options, LossKind loss, ulong seed, string? dataFolder)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!(options.ValidationShare is >= 0 and < 1))
        {
            throw DistNetException.BadInput(
                $"The validation share is {options.ValidationShare.ToString("R", CultureInfo.InvariantCulture)}; expected at least 0 and below 1.");
        }

        Samples read = Read(options, options.Train, "train", loss, null, dataFolder);
        (DataSplit train, DataSplit? validation) = Split(read.Data, options.Validation is null ? options.ValidationShare : 0, seed);
        ImmutableArray<FeatureColumn> columns = read.Table?.Fit(train.Samples) ?? [];
        if (read.Table is { HasRules: true } table)
        {
            Dataset features = table.Apply(columns);
            train = train with { Data = features };
            validation = validation is null ? null : validation with { Data = features };
        }

        DataExpectation expected = new(train.Data.InputShape, train.Data.ClassNames, train.Data.TargetWidth)
        {
            FeatureNames = columns.IsEmpty ? read.Table?.Names ?? [] : [.. columns.SelectMany(column => column.FeatureNames)],
            Columns = columns,
        };
        DataSplit? Further(DataFiles? files, string split) => files is null ? null : DataSplit.All(ReadFurther(options, files, split, loss, expected, dataFolder));
        DataSplit? test = Further(options.Test, "test");
        return new LoadedData
        {
            Train = train,
            Validation = Further(options.Validation, "validation") ?? validation,
            Test = test,
            FeatureNames = expected.FeatureNames,
            Columns = columns,
            Normalization = NormalizationStatistics.Of(train, options.Normalize)?.KeepingCategories(columns),
        };
    }

    /// <summary>Splits a dataset: the validation samples are the first of the permutation keyed by the seed, both parts in ascending order.</summary>
    /// <param name="data">The dataset.</param>
    /// <param name="share">The share of validation samples in [0, 1); the number is rounded to the nearest (a half up), and is at least 1 unless the share is 0.</param>
    /// <param name="seed">The key.</param>
    /// <exception cref="DistNetException">No training sample would be left.</exception>
    public static (DataSplit Train, DataSplit? Validation) Split(Dataset data, double share, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (share == 0)
        {
            return (DataSplit.All(data), null);
        }

        int count = Math.Max(1, (int)Math.Floor((share * data.Count) + 0.5));
        if (count >= data.Count)
        {
            throw DistNetException.BadInput(
                $"The validation share {share.ToString("R", CultureInfo.InvariantCulture)} of {DataFile.Shown(data.Count)} {(data.Count == 1 ? "sample" : "samples")} leaves no training sample; expected at least one.");
        }

        int[] order = new int[data.Count];
        KeyedRandom.Permutation(seed, RandomPurpose.Split, 0, order);
        Array.Sort(order, 0, count);
        Array.Sort(order, count, order.Length - count);
        return (new DataSplit(data, order.AsMemory(count)), new DataSplit(data, order.AsMemory(0, count)));
    }

    /// <summary>Where a file of a job is: in <paramref name="dataFolder"/> by its name, there by its last part, then relative to <paramref name="baseFolder"/>.</summary>
    /// <param name="name">The name as written in the job.</param>
    /// <param name="baseFolder">The folder that relative names start from.</param>
    /// <param name="dataFolder">The folder that goes before; null for none.</param>
    /// <param name="mayBeFolder">Whether a folder of that name is found too, as a folder of images is.</param>
    /// <exception cref="DistNetException">There is no such file.</exception>
    public static string FindFile(string name, string baseFolder, string? dataFolder, bool mayBeFolder = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(baseFolder);
        string[] places = dataFolder is null
            ? [Path.Combine(baseFolder, name)]
            : [Path.Combine(dataFolder, name), Path.Combine(dataFolder, Path.GetFileName(Path.TrimEndingDirectorySeparator(name))), Path.Combine(baseFolder, name)];
        places = [.. places.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal)];
        return places.FirstOrDefault(place => File.Exists(place) || (mayBeFolder && Directory.Exists(place)))
            ?? throw DistNetException.BadInput(places.Any(Directory.Exists)
                ? $"The data file '{name}' is a folder; expected a file (data.format: images reads folders)."
                : $"The data {(mayBeFolder ? "folder" : "file")} '{name}' does not exist; looked for {string.Join(", ", places.Select(place => $"'{place}'"))}.");
    }

    private static Dataset ReadFurther(DataOptions options, DataFiles files, string split, LossKind loss, DataExpectation expected, string? dataFolder)
    {
        Samples read = Read(options, files, split, loss, expected, dataFolder);
        return read.Table?.Apply(expected.Columns, expected.InputShape) ?? read.Data;
    }

    private static Samples Read(DataOptions options, DataFiles files, string split, LossKind loss, DataExpectation? expected, string? dataFolder)
    {
        string Find(string? name, string key) => string.IsNullOrEmpty(name)
            ? throw DistNetException.BadInput($"The data for '{split}' lack '{key}', which the format {options.Format.ToString().ToLowerInvariant()} needs.")
            : FindFile(name, options.BaseFolder, dataFolder, mayBeFolder: options.Format == DataFormat.Images);
        return options.Format switch
        {
            DataFormat.Idx => new Samples(IdxDataset.Load(Find(files.Images, "images"), Find(files.Labels, "labels"), loss, expected), null),
            DataFormat.Npy when files.File is not null => new Samples(
                NpyDataset.LoadNpz(Find(files.File, "a file"), files.Inputs ?? DataFiles.InputsArray, files.Labels ?? DataFiles.LabelsArray, loss, expected), null),
            DataFormat.Npy => new Samples(NpyDataset.Load(Find(files.Inputs, "inputs"), Find(files.Labels, "labels"), loss, expected), null),
            DataFormat.Images => new Samples(ImageDataset.Load(Find(files.File, "a folder"), ImageOptions.From(options), loss, expected), null),
            _ => Samples.Of(TableDataset.Read(Find(files.File, "a file"), TableOptions.From(options), LabelKinds.Of(loss), expected)),
        };
    }

    // What a file holds; of a table, before its columns' rules were applied.
    private sealed record Samples(Dataset Data, Table? Table)
    {
        public static Samples Of(Table table) => new(table.Raw, table);
    }
}

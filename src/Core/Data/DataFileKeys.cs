using System.Collections.Immutable;
using DistNet.Training;

namespace DistNet.Data;

/// <summary>The files of a job's <c>data</c> section, listed by key and put back under their keys.</summary>
public static class DataFileKeys
{
    /// <summary>The files that a job names, in the order train, validation, test: key (<c>data.train</c>, <c>data.test.images</c>, …) and name as written.</summary>
    public static ImmutableArray<(string Key, string Name)> Of(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return [.. Of("data.train", options.Train), .. Of("data.validation", options.Validation), .. Of("data.test", options.Test)];
    }

    /// <summary>The same section with other files under its keys.</summary>
    /// <param name="options">The section.</param>
    /// <param name="find">The new name of the file with a key.</param>
    public static DataOptions Replace(DataOptions options, Func<string, string> find)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(find);
        return options with
        {
            Train = Replace("data.train", options.Train, find)!,
            Validation = Replace("data.validation", options.Validation, find),
            Test = Replace("data.test", options.Test, find),
        };
    }

    private static IEnumerable<(string Key, string Name)> Of(string split, DataFiles? files)
    {
        (string, string?)[] all = files switch
        {
            null => [],
            { File: { } file } => [(split, file)],
            _ => [($"{split}.images", files.Images), ($"{split}.inputs", files.Inputs), ($"{split}.labels", files.Labels)],
        };
        return all.Where(file => file.Item2 is not null)!;
    }

    // Beside a file, inputs and labels are names of arrays in it.
    private static DataFiles? Replace(string split, DataFiles? files, Func<string, string> find) => files switch
    {
        null => null,
        { File: not null } => files with { File = find(split) },
        _ => new DataFiles(
            Images: files.Images is null ? null : find($"{split}.images"),
            Inputs: files.Inputs is null ? null : find($"{split}.inputs"),
            Labels: files.Labels is null ? null : find($"{split}.labels")),
    };
}

using System.Collections.Immutable;
using System.Globalization;
using DistNet.Checkpoints;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Interchange;

/// <summary>Takes parameters from a file of tensors by name: every parameter of the model must be there in its shape, and nothing may be left over, but for the names that
/// are not to be imported.</summary>
internal static class ParameterImport
{
    private const int MaximumNamed = 4;

    /// <summary>Writes the parameters that the file has; those that are not to be imported stay as they are.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">What errors call it.</param>
    /// <param name="start">Says which names are not to be imported.</param>
    /// <param name="parameters">Where to.</param>
    /// <returns>How many parameters (floats) it had, running statistics aside.</returns>
    /// <exception cref="DistNetException">The file does not fit the model, or a value is not finite; nothing was written then, or a part.</exception>
    public static long Read(SafetensorsReader file, string path, InitializeFromOptions start, Arena parameters)
    {
        ImmutableArray<ParameterEntry> entries = parameters.Layout.Entries;
        CheckSkip(start.Skipped, [.. entries.Select(entry => entry.Name), .. file.Tensors.Select(tensor => tensor.Name)], path);
        List<(ParameterEntry Entry, StoredTensor? Tensor)> wanted = [.. entries.Where(entry => !start.Skips(entry.Name)).Select(entry => (entry, file.TryFind(entry.Name, out StoredTensor? found) ? found : null))];
        List<string> problems = [];
        if (Names(wanted.Where(pair => pair.Tensor is null).Select(pair => pair.Entry.Name)) is { } missing)
        {
            problems.Add($"it lacks {missing}");
        }

        if (Names(file.Tensors.Select(tensor => tensor.Name).Where(name => !start.Skips(name) && !parameters.Layout.TryFind(name, out _) && !IsBatchCount(name, parameters.Layout))) is { } left)
        {
            problems.Add($"it has {left}, which the model lacks");
        }

        problems.AddRange(wanted.Where(pair => pair.Tensor is { } tensor && tensor.Shape != pair.Entry.Shape).Take(MaximumNamed)
            .Select(pair => $"{pair.Entry.Name} is {pair.Tensor!.Shape} there and {pair.Entry.Shape} in the model"));
        if (problems.Count > 0)
        {
            throw DistNetException.BadInput(
                $"The file '{path}' does not fit the model: {string.Join("; ", problems)}; expected the model's names and shapes, but for those in training.initializeFrom.skip.");
        }

        foreach ((ParameterEntry entry, StoredTensor? tensor) in wanted)
        {
            ReadFinite(file, path, tensor!).CopyTo(parameters[entry]);
        }

        return wanted.Where(pair => !pair.Entry.IsBuffer).Sum(pair => (long)pair.Entry.Length);
    }

    /// <summary>Reads a tensor whose values must be finite.</summary>
    public static float[] ReadFinite(SafetensorsReader file, string path, StoredTensor tensor)
    {
        float[] values = file.Read(tensor);
        int bad = values.AsSpan().IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
        return bad < 0
            ? values
            : throw DistNetException.BadInput(
                $"The file '{path}' has {values[bad].ToString(CultureInfo.InvariantCulture)} as value {bad} of {SafetensorsReader.Printable(tensor.Name)}; expected finite numbers.");
    }

    // What PyTorch keeps beside a BatchNorm's running statistics; nothing here depends on it.
    private static bool IsBatchCount(string name, Layout layout) =>
        name.EndsWith(ModelExport.BatchCount, StringComparison.Ordinal) && layout.TryFind(name[..^ModelExport.BatchCount.Length] + ModelExport.RunningMean, out _);

    private static void CheckSkip(ImmutableArray<string> skip, ImmutableArray<string> names, string path)
    {
        foreach (string pattern in skip)
        {
            if (!names.Any(name => NamePattern.Matches(pattern, name)))
            {
                throw DistNetException.BadInput($"training.initializeFrom.skip has '{pattern}', which is no name in the model or in '{path}'{NearestName.Question(pattern, names)}");
            }
        }
    }

    /// <summary>Some names in words, the first few of many; null for none.</summary>
    public static string? Names(IEnumerable<string> names)
    {
        string[] all = [.. names.Select(SafetensorsReader.Printable)];
        return all.Length switch
        {
            0 => null,
            1 => all[0],
            <= MaximumNamed => $"{string.Join(", ", all[..^1])} and {all[^1]}",
            _ => $"{string.Join(", ", all[..MaximumNamed])} and {all.Length - MaximumNamed} more",
        };
    }
}

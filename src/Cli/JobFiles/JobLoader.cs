using DistNet.Interchange;
using DistNet.Jobs;
using DistNet.Training;

namespace DistNet.Cli.JobFiles;

/// <summary>Reads a job file with the overrides of the command line.</summary>
public static class JobLoader
{
    /// <summary>Reads a job file.</summary>
    /// <param name="path">The YAML (or JSON) file.</param>
    /// <param name="overrides">The values of <c>--set</c>: <c>path.to.key=value</c>, later ones win.</param>
    /// <param name="seed">The value of <c>--seed</c>, or null.</param>
    /// <param name="initialize">The value of <c>--initialize</c>, or null.</param>
    /// <exception cref="DistNetException">The file is missing or no job, or an override is none.</exception>
    public static Job Load(string path, IEnumerable<string> overrides, ulong? seed = null, string? initialize = null)
    {
        ArgumentNullException.ThrowIfNull(overrides);
        JobValue root = JobYaml.Read(ReadFile(path), Path.GetFileName(path));
        foreach (string text in overrides)
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw DistNetException.Usage($"--set {text}: expected path.to.key=value.");
            }

            root = JobOverrides.Put(root, text[..equals], JobYaml.Read(text[(equals + 1)..], $"--set {text}", lines: false));
        }

        if (seed is { } value)
        {
            string text = value.ToString(System.Globalization.CultureInfo.InvariantCulture);
            root = JobOverrides.Put(root, "training.seed", new JobScalar(new JobPlace($"--seed {text}"), text, quoted: false));
        }

        if (initialize is not null)
        {
            root = JobOverrides.Put(root, "training.initializeFrom.file", new JobScalar(new JobPlace($"--initialize {initialize}"), Path.GetFullPath(initialize), quoted: true));
        }

        Job job = JobFile.Read(root, Path.GetDirectoryName(Path.GetFullPath(path)) ?? "");
        return job.Data is not null ? InitialParameters.WithHash(job) : throw DistNetException.BadInput($"{Path.GetFileName(path)}: the key data.train is missing; expected {new DataFilesType(allowShare: false).Expected}.");
    }

    private static string ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw DistNetException.BadInput($"{path}: there is no such job file.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.BadInput($"{path}: the job file cannot be read: {exception.Message}", exception);
        }
    }
}

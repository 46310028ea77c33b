using DistNet.Training;

namespace DistNet.Jobs;

/// <summary>What only a job file can get wrong: keys that do nothing for the chosen kind, and files of another format. The numbers themselves are checked by <see cref="JobChecks"/>.</summary>
internal static class JobFit
{
    /// <summary>The first key that does not fit the others, and a sentence about it; null for none.</summary>
    public static (string Path, string Sentence)? Find(Job job)
    {
        foreach (JobKey key in JobKeys.All)
        {
            if (key.OnlyFor is not null && !key.AppliesTo(job) && JobFile.ValueText(key, job) is var value && value != "null" && value != JobFile.ValueText(key, JobKeys.Defaults))
            {
                JobKey kind = JobKeys.All.First(other => JobKeyPaths.Parent(other.Path) == JobKeyPaths.Parent(key.Path) && other.Name is "kind" or "format");
                return (key.Path, $"{key.Path} is {value}, which is for {key.OnlyFor} only; {kind.Path} is {JobFile.ValueText(kind, job)}.");
            }
        }

        return job.Data is { } data ? FindFiles(data) : null;
    }

    private static (string Path, string Sentence)? FindFiles(DataOptions data)
    {
        foreach ((string path, DataFiles? files) in new[] { ("data.train", data.Train), ("data.validation", data.Validation), ("data.test", data.Test) })
        {
            if (files is not null && !Fits(data.Format, files))
            {
                (string expected, string word) = Expected(data.Format);
                return (path, $"{path} is {Words(files)}; expected {expected}, as data.format is {word}.");
            }
        }

        return null;
    }

    private static bool Fits(DataFormat format, DataFiles files) => format switch
    {
        DataFormat.Idx => files.Images is not null,
        DataFormat.Npy => files.Images is null,
        _ => files is { File: not null, Inputs: null },
    };

    private static string Words(DataFiles files) => files switch
    {
        { File: not null, Inputs: not null } => "a file with the names of two arrays",
        { File: not null } => $"'{files.File}'",
        { Images: not null } => "a pair of images and labels",
        _ => "a pair of inputs and labels",
    };

    private static (string Expected, string Word) Expected(DataFormat format) => format switch
    {
        DataFormat.Idx => ("{ images: FILE, labels: FILE }", "idx"),
        DataFormat.Npy => ("{ inputs: FILE, labels: FILE } or an npz file", "npy"),
        DataFormat.Images => ("one folder's name", "images"),
        DataFormat.Parquet => ("one file's name", "parquet"),
        _ => ("one file's name", "csv"),
    };
}

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
            if (files is not null && files.File is null != (data.Format == DataFormat.Idx))
            {
                return (path, data.Format == DataFormat.Idx
                    ? $"{path} is '{files.File}'; expected {{ images: FILE, labels: FILE }}, as data.format is idx."
                    : $"{path} is a pair of images and labels; expected one file's name, as data.format is csv.");
            }
        }

        return null;
    }
}

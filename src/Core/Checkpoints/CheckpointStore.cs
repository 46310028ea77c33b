using System.Collections.Immutable;
using System.Globalization;

namespace DistNet.Checkpoints;

/// <summary>The checkpoints of a run folder, <c>checkpoints/step-0000001234/</c>: written atomically, verified when loaded, the last few and the best kept.</summary>
/// <remarks>
/// A checkpoint is written into a temporary sibling folder, every file synchronised, the manifest last, and then renamed: a crash at any moment leaves the earlier ones
/// as they were. One of the same step is moved aside first and is found there if the crash comes between the two renames. One writer at a time, which
/// <see cref="RunFolder"/>'s lock sees to.
/// </remarks>
/// <param name="runFolder">The run folder; made with the first checkpoint.</param>
/// <param name="keep">How many of the latest to keep, at least 1; the best is kept besides.</param>
public sealed class CheckpointStore(string runFolder, int keep = 3)
{
    private const string Prefix = "step-";
    private const string Temporary = ".tmp-";
    private const string Replaced = ".old-";

    private readonly string folder = Path.Combine(Path.GetFullPath(runFolder), "checkpoints");

    /// <summary>Called before every step of a write with its name; tests throw there what a full disk or a crash would do.</summary>
    internal Action<string>? Fault { get; set; }

    /// <summary>Loads one checkpoint, verified.</summary>
    /// <param name="folder">The checkpoint's own folder.</param>
    /// <exception cref="DistNetException">It is missing, torn or altered; the sentence names the file.</exception>
    public static Checkpoint Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ManifestJson manifest = CheckpointManifest.Read(folder);
        CheckpointManifest.Verify(folder, manifest);
        return CheckpointFiles.Read(folder, manifest);
    }

    /// <summary>Loads a checkpoint, or the latest whole one of a run folder.</summary>
    /// <param name="path">A checkpoint's folder or a run folder.</param>
    /// <param name="warn">Called with a sentence for each checkpoint that could not be used.</param>
    /// <exception cref="DistNetException">There is none.</exception>
    public static Checkpoint Open(string path, Action<string> warn)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (File.Exists(Path.Combine(path, CheckpointManifest.FileName)))
        {
            return Load(path);
        }

        string found = Directory.Exists(path) ? "has no checkpoint that can be used" : "does not exist";
        return new CheckpointStore(path).LoadLatest(warn)
            ?? throw DistNetException.BadInput($"The folder '{path}' {found}; expected a run folder or a checkpoint.");
    }

    /// <summary>The folders of all checkpoints, the latest first; not verified.</summary>
    public ImmutableArray<string> Folders() => [.. Steps().Select(step => step.Folder)];

    /// <summary>Loads the latest checkpoint that is whole.</summary>
    /// <param name="warn">Called with a sentence for each later one that is torn or altered.</param>
    /// <returns>The checkpoint; null if there is none.</returns>
    public Checkpoint? LoadLatest(Action<string> warn)
    {
        ArgumentNullException.ThrowIfNull(warn);
        foreach ((string candidate, _) in Steps())
        {
            try
            {
                return Load(candidate);
            }
            catch (DistNetException error)
            {
                warn($"The checkpoint '{candidate}' is passed over for the one before it: {error.Message}");
            }
        }

        return null;
    }

    /// <summary>Writes a checkpoint durably, then removes those that are no longer kept.</summary>
    /// <returns>Its folder.</returns>
    /// <exception cref="DistNetException">The disk is full or the folder cannot be written; the checkpoints before it are intact.</exception>
    public string Write(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        string name = Prefix + checkpoint.State.Step.ToString("D10", CultureInfo.InvariantCulture);
        string target = Path.Combine(folder, name);
        string temporary = Path.Combine(folder, Temporary + name);
        try
        {
            Prepare();
            Directory.CreateDirectory(temporary);
            CheckpointFiles.Write(temporary, checkpoint, Fault);
            Sync(temporary);
            Commit(temporary, target, Path.Combine(folder, Replaced + name));
        }
        catch (Exception error) when (WriteFailure.Is(error))
        {
            Remove(temporary);
            throw DistNetException.Failed(
                $"The checkpoint of step {checkpoint.State.Step} could not be written to '{target}': {WriteFailure.Words(error)}; the checkpoints before it are intact.", error);
        }

        Retain(checkpoint.State.Step);
        return target;
    }

    // What a crash left: temporary folders are removed; a checkpoint that was moved aside comes back unless its successor is there.
    private void Prepare()
    {
        Fault?.Invoke("prepare");
        bool isNew = !Directory.Exists(folder);
        Directory.CreateDirectory(folder);
        if (isNew)
        {
            Sync(Path.GetDirectoryName(folder)!);
        }

        foreach (string leftover in Directory.GetDirectories(folder, Temporary + "*"))
        {
            Directory.Delete(leftover, recursive: true);
        }

        foreach (string replaced in Directory.GetDirectories(folder, Replaced + "*"))
        {
            string original = Path.Combine(folder, Path.GetFileName(replaced)[Replaced.Length..]);
            if (Directory.Exists(original))
            {
                Remove(replaced);
            }
            else
            {
                Directory.Move(replaced, original);
            }
        }
    }

    private void Commit(string temporary, string target, string replaced)
    {
        if (Directory.Exists(target))
        {
            Fault?.Invoke("move aside");
            Directory.Move(target, replaced);
        }

        try
        {
            Fault?.Invoke("rename");
            Directory.Move(temporary, target);
        }
        catch (Exception error) when (WriteFailure.Is(error) && Directory.Exists(replaced))
        {
            Directory.Move(replaced, target);
            throw;
        }

        Sync(folder);
        Remove(replaced);
    }

    // Later ones than the one just written were passed over as damaged when the run was resumed: they must not push out what is whole.
    private void Retain(long written)
    {
        ImmutableArray<string> latest = [.. Steps().Where(step => step.Step <= written && !IsAside(step.Folder)).Select(step => step.Folder)];
        string? best = latest.FirstOrDefault(IsBest);
        foreach (string old in latest.Skip(Math.Max(keep, 1)).Where(old => old != best))
        {
            Fault?.Invoke("retain");
            Remove(old);
        }
    }

    private IEnumerable<(string Folder, long Step)> Steps()
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        return Directory.GetDirectories(folder)
            .Select(path => (path, StepOf(Path.GetFileName(path))))
            .Where(candidate => candidate.Item2 >= 0)
            .OrderByDescending(candidate => candidate.Item2)
            .ThenBy(candidate => IsAside(candidate.path));
    }

    private static long StepOf(string name)
    {
        string number = name.StartsWith(Replaced, StringComparison.Ordinal) ? name[Replaced.Length..] : name;
        return number.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(number.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : -1;
    }

    private static bool IsAside(string path) => Path.GetFileName(path).StartsWith(Replaced, StringComparison.Ordinal);

    private static bool IsBest(string path)
    {
        try
        {
            return CheckpointManifest.Read(path).Best;
        }
        catch (DistNetException)
        {
            return false;
        }
    }

    private void Sync(string path)
    {
        Fault?.Invoke("sync folder");
        FolderSync.Flush(path);
    }

    // Renamed first, so that a crash leaves no half-deleted checkpoint under a checkpoint's name. What cannot be removed now is tried again by the next write.
    private void Remove(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                string doomed = Path.GetFileName(path).StartsWith(Temporary, StringComparison.Ordinal) ? path : Path.Combine(folder, Temporary + Path.GetFileName(path));
                if (doomed != path)
                {
                    Directory.Move(path, doomed);
                }

                Directory.Delete(doomed, recursive: true);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The checkpoints that are kept are not touched by this.
        }
    }
}

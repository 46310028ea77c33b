namespace DistNet.Checkpoints;

/// <summary>A run's folder, held by one process at a time: the lock is the operating system's and ends with the process, however that ends.</summary>
public sealed class RunFolder : IDisposable
{
    private readonly FileStream hold;

    private RunFolder(string path, FileStream hold)
    {
        Path = path;
        this.hold = hold;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary><c>run.json</c>: the job, the machine and the results.</summary>
    public string RunJson => RunJsonOf(Path);

    /// <summary><c>metrics.csv</c>: a row per epoch.</summary>
    public string MetricsCsv => System.IO.Path.Combine(Path, "metrics.csv");

    /// <summary><c>model.safetensors</c>: the final model's parameters.</summary>
    public string Model => System.IO.Path.Combine(Path, "model.safetensors");

    /// <summary><c>checkpoints/</c>: see <see cref="CheckpointStore"/>.</summary>
    public string Checkpoints => System.IO.Path.Combine(Path, "checkpoints");

    /// <summary>Opens a folder, made if it is not there, and holds it until it is disposed.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="DistNetException">Another process holds it, or it cannot be made.</exception>
    public static RunFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = System.IO.Path.GetFullPath(path);
        string file = System.IO.Path.Combine(full, "lock");
        try
        {
            Directory.CreateDirectory(full);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.Failed($"The run folder '{path}' cannot be made: {error.Message.TrimEnd('.')}.", error);
        }

        try
        {
            return new RunFolder(full, new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException error)
        {
            throw DistNetException.Failed($"The run folder '{path}' cannot be written: {error.Message.TrimEnd('.')}.", error);
        }
        catch (IOException error) when (File.Exists(file))
        {
            throw DistNetException.Usage($"The run folder '{path}' is in use by another process; expected a folder that no run writes to.", error);
        }
        catch (IOException error)
        {
            throw DistNetException.Failed($"The run folder '{path}' cannot be written: {error.Message.TrimEnd('.')}.", error);
        }
    }

    /// <summary>Where <c>run.json</c> is in a folder.</summary>
    public static string RunJsonOf(string path) => System.IO.Path.Combine(path, "run.json");

    /// <summary>Whether a folder holds a run, finished or not.</summary>
    public static bool HoldsRun(string path) => File.Exists(RunJsonOf(path)) || !new CheckpointStore(path).Folders().IsEmpty;

    /// <summary>Whether a file or folder in a run folder is only bookkeeping of who holds it: the lock, the journal, the claimed terms.</summary>
    public static bool IsBookkeeping(string path)
    {
        string name = System.IO.Path.GetFileName(path);
        return name is "lock" or JournalFolder.JournalName or JournalFolder.TermsName || name.StartsWith($".{JournalFolder.JournalName}.", StringComparison.Ordinal);
    }

    /// <summary>Lets go of the folder. The lock file stays: removing it would let two processes lock two files of one name.</summary>
    public void Dispose() => hold.Dispose();
}

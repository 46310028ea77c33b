using DistNet.Data;
using DistNet.Protocol;
using DistNet.Training;

namespace DistNet.Worker.Data;

/// <summary>A worker's data: its own copy where it has one of the same content, else the coordinator's, fetched into the cache. Kept over sessions of the same run and data.</summary>
/// <param name="options">Where to look and where to keep.</param>
public sealed class WorkerData(WorkerDataOptions options)
{
    /// <summary>How long a fetch of another process of this machine may stand still before this one fetches by itself.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly DataCache cache = new(options.CacheFolder, Patience);
    private readonly object gate = new();
    private (DataOptions Options, ulong Seed, string Fingerprint, LoadedData Data)? kept;

    /// <summary>Finds or fetches the data of a run and loads them, on a thread of its own.</summary>
    /// <param name="job">The coordinator's job.</param>
    /// <param name="description">The data as the coordinator describes them.</param>
    /// <param name="fetcher">Asks the coordinator for bytes.</param>
    /// <param name="tell">Told of fetches. Called on the thread of the work.</param>
    /// <param name="warn">Told of copies that are refused. Called on the thread of the work.</param>
    /// <param name="cancellationToken">Gives up; what was fetched stays and is gone on with.</param>
    /// <returns>The data with the coordinator's normalisation; the same object as before where run and content are the same.</returns>
    /// <exception cref="DistNetException">The description is none of this job, the files cannot be kept, or the data that came are not those described. What the fetcher throws passes through.</exception>
    public Task<LoadedData> PrepareAsync(
        Job job, DataDescription description, IDataFetcher fetcher, Action<string> tell, Action<string> warn, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(fetcher);
        ArgumentNullException.ThrowIfNull(tell);
        ArgumentNullException.ThrowIfNull(warn);
        return OwnThread.Run("distnet-data", () =>
        {
            lock (gate)
            {
                return Prepare(job, description, file => Coordinators(file, fetcher, tell, cancellationToken), warn, cancellationToken);
            }
        });
    }

    private LoadedData Prepare(Job job, DataDescription description, Func<DataFileInfo, FoundFile> coordinators, Action<string> warn, CancellationToken cancellationToken)
    {
        DataOptions wanted = job.Data ?? throw DistNetException.BadInput("The coordinator's job names no data; expected a data section.");
        description.Check(wanted);
        if (kept is { } last && last.Options == wanted && last.Seed == job.Training.Seed && last.Fingerprint == description.Fingerprint
            && Equals(last.Data.Normalization, description.Normalization))
        {
            return last.Data;
        }

        kept = null;
        LoadedData read = Read(job, wanted, description, coordinators, warn, cancellationToken);
        description.CheckNormalization(wanted, read.Train.Data.InputShape);
        LoadedData data = read with { Normalization = description.Normalization };
        kept = (wanted, job.Training.Seed, description.Fingerprint, data);
        return data;
    }

    private LoadedData Read(
        Job job, DataOptions wanted, DataDescription description, Func<DataFileInfo, FoundFile> coordinators, Action<string> warn, CancellationToken cancellationToken)
    {
        Dictionary<string, string> names = DataFileKeys.Of(wanted).ToDictionary(file => file.Key, file => file.Name);
        FoundFile[] found = [.. description.Files.Select(file => OwnCopies.Offered(file, names[file.Key], options.DataFolder, wanted.Format == DataFormat.Images, cancellationToken) ?? coordinators(file))];
        FoundFile[] unsure = [.. found.Where(file => !file.IsSame)];
        if (unsure.Length > 0)
        {
            if (TryLoad(job, wanted, found, description, unsure, warn) is { } same)
            {
                return same;
            }

            found = [.. found.Select(file => file.IsSame ? file : coordinators(file.File))];
        }

        LoadedData data = Load(job, wanted, found);
        return data.Fingerprint == description.Fingerprint ? data : throw DistNetException.Failed(
            $"The coordinator's data files, read here, have the fingerprint {Short(data.Fingerprint)}, the coordinator's data {Short(description.Fingerprint)}; expected the same (does it run the same version?).");
    }

    // Loads with copies of other bytes; null, and a sentence, where their content is other too.
    private static LoadedData? TryLoad(Job job, DataOptions wanted, FoundFile[] found, DataDescription description, FoundFile[] unsure, Action<string> warn)
    {
        string copies = string.Join(" and ", unsure.Select(file => $"'{file.Path}'"));
        string refused = $"The {(unsure.Length == 1 ? "copy" : "copies")} {copies} of the job's data {(unsure.Length == 1 ? "is" : "are")} not used and the coordinator's {(unsure.Length == 1 ? "file is" : "files are")} taken:";
        try
        {
            LoadedData data = Load(job, wanted, found);
            if (data.Fingerprint == description.Fingerprint)
            {
                return data;
            }

            warn($"{refused} the data would have the fingerprint {Short(data.Fingerprint)}; expected the coordinator's, {Short(description.Fingerprint)}.");
        }
        catch (DistNetException error)
        {
            warn($"{refused} {error.Message}");
        }

        return null;
    }

    // The normalisation is the coordinator's: not computed a second time.
    private static LoadedData Load(Job job, DataOptions wanted, FoundFile[] found) => DataLoader.Load(
        DataFileKeys.Replace(wanted, key => found.Single(file => file.File.Key == key).Path) with { BaseFolder = "", Normalize = NormalizeMode.None },
        job.Loss.Kind,
        job.Training.Seed,
        dataFolder: null);

    // The coordinator's bytes: where the coordinator has them, should that be this machine, in the cache, or from the coordinator.
    private FoundFile Coordinators(DataFileInfo file, IDataFetcher fetcher, Action<string> tell, CancellationToken cancellationToken)
    {
        if (OwnCopies.Hinted(file, cancellationToken) is { } hinted)
        {
            return hinted;
        }

        if (cache.Find(file, cancellationToken) is { } cached)
        {
            return new FoundFile(file, cached, IsSame: true);
        }

        long started = TimeProvider.System.GetTimestamp();
        string path = cache.Fetch(file, fetcher, cancellationToken);
        tell(FormattableString.Invariant(
            $"fetched the data file '{file.Name}' ({DataCache.Megabytes(file.Bytes)}) from the coordinator in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0.0} s"));
        return new FoundFile(file, path, IsSame: true);
    }

    private static string Short(string fingerprint) => fingerprint[..12] + "…";
}

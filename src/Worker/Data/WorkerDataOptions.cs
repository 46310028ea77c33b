namespace DistNet.Worker.Data;

/// <summary>Where a worker looks for data and keeps what it fetched.</summary>
public sealed record WorkerDataOptions
{
    /// <summary>A folder with copies of the job's data files, looked at first; null for none.</summary>
    public string? DataFolder { get; init; }

    /// <summary>The folder of fetched files, each named by the SHA-256 of its bytes. Made when it is needed; nothing is ever removed but what is damaged.</summary>
    public string CacheFolder { get; init; } = DefaultCacheFolder();

    /// <summary><c>distnet/data</c> in <c>$XDG_CACHE_HOME</c>, else in the system's folder for it (<c>~/.cache</c>), else in the temporary folder.</summary>
    public static string DefaultCacheFolder()
    {
        string? folder = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (!Path.IsPathFullyQualified(folder ?? ""))
        {
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            folder = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : home.Length > 1 ? Path.Combine(home, OperatingSystem.IsMacOS() ? "Library/Caches" : ".cache")
                : Path.GetTempPath();
        }

        return Path.Combine(folder!, "distnet", "data");
    }
}

using System.Globalization;

namespace DistNet.Faults;

/// <summary>What a process holds, as the system counts it.</summary>
/// <param name="PssMebibytes">Its proportional share of memory.</param>
/// <param name="OwnMebibytes">That of it which is no file: the share of code depends on how many processes run it.</param>
/// <param name="Threads">Its threads.</param>
/// <param name="Files">Its open files, sockets included, assemblies left out.</param>
internal readonly record struct Vitals(double PssMebibytes, double OwnMebibytes, int Threads, int Files)
{
    public static Vitals Of(int process)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}");
        string[] memory = File.ReadAllLines($"{folder}/smaps_rollup");
        double Mebibytes(string key) => double.Parse(
            memory.First(line => line.StartsWith(key, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        return new Vitals(
            Mebibytes("Pss:"),
            Mebibytes("Pss_Anon:") + Mebibytes("Pss_Shmem:"),
            Directory.GetDirectories($"{folder}/task").Length,
            Directory.GetFileSystemEntries($"{folder}/fd").Count(file => !IsCode(file)));
    }

    /// <summary>The processes whose command line holds all of some words.</summary>
    public static IEnumerable<int> Processes(params string[] words)
    {
        foreach (string folder in Directory.GetDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id != Environment.ProcessId)
            {
                string command = Command(id);
                if (words.All(word => command.Contains(word, StringComparison.Ordinal)))
                {
                    yield return id;
                }
            }
        }
    }

    /// <summary>A process's command line; empty for one that is gone.</summary>
    public static string Command(int process) => Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/cmdline")).Replace('\0', ' ');

    /// <summary>What is left of a run in shared memory.</summary>
    /// <param name="run">The run's identifier; files carry its first eight digits.</param>
    public static string[] SharedFiles(string run) => Directory.Exists("/dev/shm") ? Directory.GetFiles("/dev/shm", $"distnet-{run[..8]}-*") : [];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{PssMebibytes:F1} MiB PSS ({OwnMebibytes:F1} without code), {Threads} threads, {Files} files");

    // Assemblies stay open from their first use on.
    private static bool IsCode(string file)
    {
        try
        {
            return new FileInfo(file).LinkTarget?.EndsWith(".dll", StringComparison.Ordinal) == true;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}

using System.Globalization;

namespace DistNet.Faults;

/// <summary>What a process holds, as the system counts it.</summary>
/// <param name="PssMebibytes">Its proportional share of memory.</param>
/// <param name="Threads">Its threads.</param>
/// <param name="Files">Its open files, sockets included, assemblies left out.</param>
internal readonly record struct Vitals(double PssMebibytes, int Threads, int Files)
{
    public static Vitals Of(int process)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}");
        string pss = File.ReadLines($"{folder}/smaps_rollup").First(line => line.StartsWith("Pss:", StringComparison.Ordinal));
        return new Vitals(
            double.Parse(pss.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024,
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
                string command = Read($"{folder}/cmdline").Replace('\0', ' ');
                if (words.All(word => command.Contains(word, StringComparison.Ordinal)))
                {
                    yield return id;
                }
            }
        }
    }

    /// <summary>What is left of a run in shared memory.</summary>
    /// <param name="run">The run's identifier; files carry its first eight digits.</param>
    public static string[] SharedFiles(string run) => Directory.Exists("/dev/shm") ? Directory.GetFiles("/dev/shm", $"distnet-{run[..8]}-*") : [];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{PssMebibytes:F1} MiB PSS, {Threads} threads, {Files} files");

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

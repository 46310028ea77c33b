using System.Globalization;

namespace DistNet.Cluster.Tests;

/// <summary>The processes that another has started, as the system tells (Linux).</summary>
internal static class ProcessTree
{
    /// <summary>The running children of a process, those of one verb.</summary>
    /// <param name="parent">The process.</param>
    /// <param name="verb"><c>coordinator</c> or <c>worker</c>.</param>
    public static int[] Children(int parent, string verb) => [.. Children(parent).Where(child => Arguments(child).Contains(verb))];

    /// <summary>The running children of a process.</summary>
    public static int[] Children(int parent) =>
        [.. Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), out int id) ? id : 0).Where(id => id > 0 && Parent(id) == parent)];

    /// <summary>Whether a process runs: one that ended and was not waited for does not.</summary>
    public static bool Runs(int process) => Status(process, "State:") is { } state && !state.StartsWith('Z') && !state.StartsWith('X');

    /// <summary><c>kill -9</c> of a process that the test did not start itself.</summary>
    public static void Kill(int process)
    {
        using var found = System.Diagnostics.Process.GetProcessById(process);
        found.Kill();
    }

    private static int Parent(int process) => Runs(process) && int.TryParse(Status(process, "PPid:"), NumberStyles.None, CultureInfo.InvariantCulture, out int parent) ? parent : 0;

    private static string[] Arguments(int process) => Read(process, "cmdline")?.Split('\0') ?? [];

    private static string? Status(int process, string key) =>
        Read(process, "status")?.Split('\n').FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?[key.Length..].Trim();

    private static string? Read(int process, string name)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/{name}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

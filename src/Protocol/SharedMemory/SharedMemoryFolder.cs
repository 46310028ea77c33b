using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using DistNet.Runs;

namespace DistNet.Protocol.SharedMemory;

/// <summary>The folder of the files that processes of one machine share as memory, and the names in it.</summary>
/// <remarks>
/// A name is <c>distnet-RUN-TERM-RANDOM</c>: 8 hexadecimal digits of the run, the coordinator's term, 32 random digits that nobody can guess or plant. Names
/// that come over a wire are checked against exactly that and are looked up in this folder alone.
/// </remarks>
public static partial class SharedMemoryFolder
{
    /// <summary><c>/dev/shm</c> where it exists, which is memory; else the folder for temporary files.</summary>
    public static string Default { get; } = OperatingSystem.IsLinux() && Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    /// <summary>Makes a name for one file.</summary>
    public static string NewName(RunId run, int term) => string.Create(
        CultureInfo.InvariantCulture, $"distnet-{run.ToString().AsSpan(0, 8)}-{term}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}");

    /// <summary>Whether a name could have been made by <see cref="NewName"/>.</summary>
    public static bool IsName(string name) => name is not null && NamePattern().IsMatch(name);

    /// <summary>Removes what processes that were killed have left: files with our names that no process has open.</summary>
    /// <remarks>Who makes or opens a file locks it, shared, for as long as it keeps the file open; the system drops the lock when the process dies, however it dies. So
    /// a file that can be locked alone belongs to nobody. (A process number in the name would mean nothing in another container that shares the folder.)</remarks>
    /// <returns>How many were removed.</returns>
    public static int RemoveAbandoned(string folder)
    {
        int removed = 0;
        IEnumerable<string> paths;
        try
        {
            paths = Directory.GetFiles(folder, "distnet-*").Where(path => IsName(Path.GetFileName(path)));
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return 0;
        }

        foreach (string path in paths)
        {
            try
            {
                if (new FileInfo(path).LinkTarget is null)
                {
                    using FileStream alone = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
                    File.Delete(path);
                    removed++;
                }
            }
            catch (Exception inUse) when (inUse is IOException or UnauthorizedAccessException)
            {
                // In use, another user's, or gone meanwhile.
            }
        }

        return removed;
    }

    [GeneratedRegex("^distnet-[0-9a-f]{8}-[0-9]{1,10}-[0-9a-f]{32}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}

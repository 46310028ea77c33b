using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.Versioning;

namespace DistNet.Cli.Verbs;

/// <summary>The processors that a process may run on, as a list: <c>0-3,6</c>.</summary>
/// <remarks>
/// Worker processes that together fill a machine are each given their own. Their computations are woken all at once, by threads of their own that run at that moment
/// on some processor; the system then puts one computation behind another and takes some milliseconds to see that a processor has become free
/// (measured with two workers on two cores: 5 ms of computation become 6, the step 9 instead of 6.7). With processors to spare it finds a free one at once.
/// </remarks>
internal static class ProcessorSet
{
    private const int Most = 64;

    public static bool IsSupported => OperatingSystem.IsLinux() || OperatingSystem.IsWindows();

    /// <summary>The list of a worker, among so many equal ones that are to have this machine for themselves.</summary>
    /// <param name="index">Which worker, from 0.</param>
    /// <param name="workers">How many.</param>
    /// <param name="threads">Compute threads of each.</param>
    /// <returns>Null where they do not fill the machine exactly, or where that is not known: the system places them better.</returns>
    public static string? Share(int index, int workers, int threads)
    {
        if (!IsSupported || (long)workers * threads != Environment.ProcessorCount)
        {
            return null;
        }

        return Share(index, workers, threads, Allowed());
    }

    /// <summary>The same among given processors.</summary>
    internal static string? Share(int index, int workers, int threads, ulong allowed)
    {
        int[] all = [.. Enumerable.Range(0, Most).Where(number => (allowed >> number & 1) != 0)];
        return all.Length == (long)workers * threads && index >= 0 && index < workers
            ? string.Join(',', all.AsSpan(index * threads, threads).ToArray().Select(number => number.ToString(CultureInfo.InvariantCulture)))
            : null;
    }

    /// <summary>Has this process run on these processors alone. Called before it has threads of its own: they inherit it.</summary>
    /// <param name="list">The list.</param>
    /// <param name="option">The option that it was given by.</param>
    /// <exception cref="DistNetException">It is no list of processors that this process may use.</exception>
    public static void Use(string list, string option)
    {
        ulong wanted = Parse(list, option);
        ulong allowed = Allowed();
        if ((wanted & ~allowed) != 0)
        {
            throw DistNetException.Usage($"{option} {list} names processors that this process may not use; it may use {Text(allowed)}.");
        }

        if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
        {
            using Process self = Process.GetCurrentProcess();
            self.ProcessorAffinity = unchecked((nint)wanted);
        }
    }

    /// <summary>The processors of a list, a bit for each.</summary>
    /// <exception cref="DistNetException">It is no list.</exception>
    internal static ulong Parse(string list, string option)
    {
        ulong set = 0;
        foreach (string part in list.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2
                || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last)
                || first > last || last >= Most)
            {
                throw DistNetException.Usage($"{option} {list} is not a list of processors; expected numbers from 0 to {Most - 1} and ranges of them, such as 0-3,6.");
            }

            for (int number = first; number <= last; number++)
            {
                set |= 1UL << number;
            }
        }

        return set;
    }

    [SupportedOSPlatform("linux")]
    [SupportedOSPlatform("windows")]
    private static ulong AllowedHere()
    {
        using Process self = Process.GetCurrentProcess();
        return unchecked((ulong)self.ProcessorAffinity);
    }

    // Nothing where the system does not tell, on machines with more processors than a number has bits, for instance.
    private static ulong Allowed()
    {
        try
        {
            return OperatingSystem.IsLinux() || OperatingSystem.IsWindows() ? AllowedHere() : 0;
        }
        catch (Exception unknown) when (unknown is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return 0;
        }
    }

    private static string Text(ulong set) =>
        BitOperations.PopCount(set) == 0 ? "none that is known" : string.Join(',', Enumerable.Range(0, Most).Where(number => (set >> number & 1) != 0));
}

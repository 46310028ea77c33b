using System.Runtime.InteropServices;

namespace DistNet.Kernels;

/// <summary>Which processors this process may use, and threads that stay on one of them: sched_setaffinity(2). On Linux alone; .NET binds whole processes only.</summary>
internal static unsafe partial class ProcessorBinding
{
    // As many as glibc's cpu_set_t has bits for.
    private const int Most = 1024;

    /// <summary>The processor that the caller runs on now; negative where the system does not tell.</summary>
    public static int Current => OperatingSystem.IsLinux() ? SchedGetCpu() : -1;

    /// <summary>The processors that the caller may use, ascending; none where the system does not tell.</summary>
    public static int[] Allowed()
    {
        byte* set = stackalloc byte[Most / 8];
        new Span<byte>(set, Most / 8).Clear();
        return OperatingSystem.IsLinux() && SchedGetAffinity(0, Most / 8, set) == 0 ? Numbers(set) : [];
    }

    /// <summary>Has the calling thread run on one processor alone; where that is refused it runs as before.</summary>
    public static void Bind(int processor)
    {
        if (OperatingSystem.IsLinux() && processor < Most)
        {
            byte* set = stackalloc byte[Most / 8];
            new Span<byte>(set, Most / 8).Clear();
            set[processor / 8] = (byte)(1 << (processor % 8));
            _ = SchedSetAffinity(0, Most / 8, set);
        }
    }

    private static int[] Numbers(byte* set)
    {
        List<int> numbers = [];
        for (int number = 0; number < Most; number++)
        {
            if ((set[number / 8] & (1 << (number % 8))) != 0)
            {
                numbers.Add(number);
            }
        }

        return [.. numbers];
    }

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SchedGetCpu();

    // The numbers of threads are those of processes: 0 is the caller.
    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SchedGetAffinity(int thread, nuint bytes, byte* set);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SchedSetAffinity(int thread, nuint bytes, byte* set);
}

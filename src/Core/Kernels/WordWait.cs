using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistNet.Kernels;

/// <summary>Waiting for a number in shared memory to change, and waking those who wait, in other processes too.</summary>
/// <remarks>On Linux with the system call <c>futex</c> (futex(2)): the kernel compares the number once more when it puts the caller to sleep, so that no change is
/// missed, and finds the sleepers of all processes by the file's memory, which a sleeper needs to be able to read only. .NET has no such primitive: its named ones are
/// Windows' alone. Where the call does not exist or a filter forbids it, a sleeper looks every millisecond. Never spins: whoever is waited for needs the processor.</remarks>
internal static unsafe partial class WordWait
{
    private const int WaitOperation = 0;
    private const int WakeOperation = 1;

    private const int Again = 11;
    private const int Interrupted = 4;
    private const int TimedOut = 110;

    /// <summary>The number of the system call; 0 where it is not known.</summary>
    private static readonly nint Futex = !OperatingSystem.IsLinux() || !BitConverter.IsLittleEndian ? 0 : RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => 0,
    };

    private static volatile bool refused = Futex == 0;

    /// <summary>Whether the kernel wakes those who wait; otherwise they look by themselves.</summary>
    public static bool HasFutex => !refused;

    /// <summary>Asks the kernel: whether it has the call and allows it, from now on.</summary>
    public static bool Probe()
    {
        long word = 0;
        return !refused && Call(Futex, (uint*)&word, WakeOperation, 1, null, null, 0) >= 0;
    }

    /// <summary>Sleeps while a number is what it was seen to be. It may also return too early; the caller looks again.</summary>
    /// <param name="word">The number, in memory that does not move and that the caller keeps mapped. Its lower half must change when it does.</param>
    /// <param name="seen">What it was.</param>
    /// <param name="longest">The longest sleep.</param>
    /// <param name="unwanted">Ends the sleep without a futex; with one, whoever cancels wakes the word.</param>
    public static void While(ref long word, long seen, TimeSpan longest, CancellationToken unwanted)
    {
        if (refused)
        {
            unwanted.WaitHandle.WaitOne(1);
            return;
        }

        var limit = new TimeSpec((long)longest.TotalSeconds, longest.Ticks % TimeSpan.TicksPerSecond * 100);
        if (Call(Futex, (uint*)Unsafe.AsPointer(ref word), WaitOperation, (uint)seen, &limit, null, 0) != 0)
        {
            refused = Marshal.GetLastPInvokeError() is not (Again or Interrupted or TimedOut);
        }
    }

    /// <summary>Wakes all who sleep for a number, or some.</summary>
    /// <param name="word">The number, in this process's mapping of the memory.</param>
    /// <param name="most">The most that are woken.</param>
    /// <returns>How many were.</returns>
    public static int Wake(ref long word, int most = int.MaxValue) =>
        refused ? 0 : Math.Max(0, (int)Call(Futex, (uint*)Unsafe.AsPointer(ref word), WakeOperation, (nuint)most, null, null, 0));

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Call(nint number, uint* word, nint operation, nuint value, TimeSpec* limit, uint* second, nuint third);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpec(long seconds, long nanoseconds)
    {
        public readonly long Seconds = seconds;
        public readonly long Nanoseconds = nanoseconds;
    }
}

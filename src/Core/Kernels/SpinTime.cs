using System.Diagnostics;

namespace DistNet.Kernels;

/// <summary>How long a thread that waits for others of its team or crew spins before it sleeps: what follows mostly follows at once.</summary>
internal static class SpinTime
{
    // Waking a sleeping thread costs 5 to 50 µs; spinning longer than that only takes the processor from others.
    private const int Microseconds = 40;

    /// <summary>In ticks of the <see cref="Stopwatch"/>; 0 where there are fewer processors than threads.</summary>
    public static long Ticks(int threads) => threads <= Environment.ProcessorCount ? Stopwatch.Frequency * Microseconds / 1_000_000 : 0;
}

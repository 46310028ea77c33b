namespace DistNet.Tests;

/// <summary>What a piece of work allocates on the managed heap, on the thread that calls.</summary>
internal static class Allocation
{
    private const int MostRounds = 10;

    /// <summary>Does the work until a round allocates nothing, ten times at the most, and tells the bytes of the quietest round.</summary>
    /// <remarks>A collection, which another test's thread may cause at any moment, counts the rest of this thread's allocation context, up to 8 KiB, as allocated (measured). What the work itself
    /// allocates shows in every round, so let the work be many calls of what is to allocate nothing.</remarks>
    public static long OfQuietestRound(Action work)
    {
        long least = long.MaxValue;
        for (int round = 0; round < MostRounds && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}

using System.Diagnostics;

namespace DistNet.Cluster.Tests;

/// <summary>Waits for a state that another process brings about and that nothing announces: files, exits.</summary>
internal static class Poll
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Returns when the condition holds; fails with <paramref name="what"/> when it never does.</summary>
    public static async Task Until(Func<bool> condition, Func<string> what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                throw new TimeoutException($"Waited {Patience.TotalSeconds} s in vain: {what()}");
            }

            await Task.Delay(1, Xunit.TestContext.Current.CancellationToken);
        }
    }
}

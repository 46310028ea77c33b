namespace DistNet.Cli.Supervision;

/// <summary>Whether and when a process that died is started again: at once after a life with progress, with a growing pause after deaths without, and no more after too many of those in a row.</summary>
/// <param name="maximumDeaths">Deaths in a row without progress that are still answered by a restart.</param>
internal sealed class RestartPolicy(int maximumDeaths)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private long reached = -1;

    /// <summary>Deaths in a row without progress.</summary>
    public int DeathsInARow { get; private set; }

    /// <summary>Restarts so far.</summary>
    public int Restarts { get; private set; }

    /// <summary>The process died.</summary>
    /// <param name="step">The furthest step that the run has come to: progress is a step further than at the death before.</param>
    /// <returns>The pause before the restart; null for no restart.</returns>
    public TimeSpan? Died(long step)
    {
        DeathsInARow = step > reached ? 1 : DeathsInARow + 1;
        reached = Math.Max(reached, step);
        if (DeathsInARow > maximumDeaths)
        {
            return null;
        }

        Restarts++;
        TimeSpan pause = TimeSpan.Zero;
        for (int death = 2; death <= DeathsInARow && pause < LongestPause; death++)
        {
            pause = pause == TimeSpan.Zero ? FirstPause : pause * 2;
        }

        return pause < LongestPause ? pause : LongestPause;
    }
}

using System.Diagnostics;

namespace DistNet.Protocol;

/// <summary>A clock that all processes of a machine have. What recurs is due at multiples of its interval: in all of them at the same moment, so that computations that wait for each other are interrupted together.</summary>
internal static class BeatClock
{
    /// <summary>Since a moment that is the same for all processes.</summary>
    public static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>The first multiple of an interval from a moment on.</summary>
    public static TimeSpan FirstFrom(TimeSpan moment, TimeSpan interval) => new((moment.Ticks + interval.Ticks - 1) / interval.Ticks * interval.Ticks);

    /// <summary>Completed at the next beat, which is half an interval away at least.</summary>
    /// <param name="interval">Between two beats.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static Task NextAsync(TimeSpan interval, CancellationToken stop)
    {
        TimeSpan now = Now;
        return Task.Delay(FirstFrom(now + (interval / 2), interval) - now, stop);
    }
}

using System.Diagnostics;

namespace DistNet.Protocol.Plane;

/// <summary>When to beat: at multiples of the interval of a clock that all processes of a machine have, so that they beat at the same moment, and computations that wait for each other are interrupted together.</summary>
internal static class BeatClock
{
    /// <summary>Completed at the next beat, which is half an interval away at least.</summary>
    /// <param name="interval">Between two beats.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static Task NextAsync(TimeSpan interval, CancellationToken stop) => Task.Delay(UntilNext(Stopwatch.GetElapsedTime(0), interval), stop);

    /// <summary>How long it is from a moment to the next beat.</summary>
    public static TimeSpan UntilNext(TimeSpan now, TimeSpan interval)
    {
        long next = ((now.Ticks + (interval.Ticks / 2)) / interval.Ticks) + 1;
        return new TimeSpan((next * interval.Ticks) - now.Ticks);
    }
}

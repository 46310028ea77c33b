using System.Diagnostics;
using System.Globalization;

namespace DistNet.Faults;

/// <summary>Waits for states of other processes, and paces the faults.</summary>
internal static class Poll
{
    /// <summary>Waits for a state; the time bounds a failure.</summary>
    public static void Until(Func<bool> state, Func<string> what, double seconds = 60)
    {
        long start = Stopwatch.GetTimestamp();
        while (!state())
        {
            if (Stopwatch.GetElapsedTime(start).TotalSeconds > seconds)
            {
                throw new FaultException(string.Create(CultureInfo.InvariantCulture, $"Waited {seconds} s in vain: {what()}"));
            }

            Thread.Sleep(1);
        }
    }

    /// <summary>How long a fault lasts, or the calm between two: nothing is expected of the time.</summary>
    /// <param name="milliseconds">How long at the most.</param>
    /// <param name="isOver">Ends it before.</param>
    public static void Pause(int milliseconds, Func<bool>? isOver = null)
    {
        long start = Stopwatch.GetTimestamp();
        Until(() => Stopwatch.GetElapsedTime(start).TotalMilliseconds >= milliseconds || isOver?.Invoke() == true, () => "a pause has no end.", seconds: (milliseconds / 1000) + 60);
    }
}

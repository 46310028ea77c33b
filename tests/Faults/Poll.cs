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
    public static void Pause(int milliseconds) => Thread.Sleep(milliseconds);
}

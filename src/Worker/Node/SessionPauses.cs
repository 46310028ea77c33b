using System.Security.Cryptography;

namespace DistNet.Worker.Node;

/// <summary>How long a worker waits before it seeks its coordinator again: longer after each failure, with some chance in it, so that a thousand workers do not come back at one moment.</summary>
internal sealed class SessionPauses
{
    private const int FirstMs = 100;
    private const int LongestMs = 2000;

    private int nextMs = FirstMs;

    /// <summary>The next pause: half of it is certain, the rest is chance.</summary>
    public TimeSpan Next()
    {
        int ms = nextMs;
        nextMs = Math.Min(2 * nextMs, LongestMs);
        return TimeSpan.FromMilliseconds((ms / 2) + RandomNumberGenerator.GetInt32((ms / 2) + 1));
    }

    /// <summary>A session was had: the next pause is short again.</summary>
    public void Reset() => nextMs = FirstMs;
}

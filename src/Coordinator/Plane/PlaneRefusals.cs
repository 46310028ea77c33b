using DistNet.Protocol;
using Grpc.Core;

namespace DistNet.Coordinator.Plane;

/// <summary>Turns callers away: one sentence for them, one for the owner, and a count.</summary>
/// <param name="owner">Is told of each address and cause once.</param>
/// <param name="counters">Counts all.</param>
internal sealed class PlaneRefusals(IPlaneOwner owner, PlaneCounters counters)
{
    private const int Remembered = 1024;
    private readonly Lock gate = new();
    private readonly HashSet<(string Address, PlaneCount Cause)> told = [];

    /// <summary>The exception that ends a call. For what happens every day: nobody else is told.</summary>
    public static RpcException Because(StatusCode code, string sentence) => new(new Status(code, Shortened(sentence)));

    /// <summary>Counts, tells the owner, and makes the exception that ends the call.</summary>
    /// <param name="cause">Why.</param>
    /// <param name="code">What the caller's program sees.</param>
    /// <param name="sentence">What its user sees.</param>
    /// <param name="who">Who calls, as the beginning of the owner's sentence.</param>
    /// <param name="address">From where.</param>
    public RpcException Refuse(PlaneCount cause, StatusCode code, string sentence, string who, string address)
    {
        Tell(cause, $"{who} at {address} was turned away: {sentence}", address);
        return Because(code, sentence);
    }

    /// <summary>Counts and tells the owner.</summary>
    public void Tell(PlaneCount cause, string sentence, string address)
    {
        counters.Add(cause);
        lock (gate)
        {
            if (told.Count >= Remembered || !told.Add((address, cause)))
            {
                return;
            }
        }

        owner.Refused(sentence);
    }

    private static string Shortened(string sentence) => sentence.Length <= WireLimits.SentenceLength ? sentence : sentence[..WireLimits.SentenceLength];
}

namespace DistNet.Advice;

/// <summary>What the parts of a training step cost on one machine: everything of a job that <see cref="StepModel"/> needs. Times are in seconds.</summary>
public sealed record StepCosts
{
    /// <summary>Samples of a full batch, at least 1.</summary>
    public required int Batch { get; init; }

    /// <summary>Samples of a slice, at least 1.</summary>
    public required int Slice { get; init; }

    /// <summary>The bytes of the parameters, and of the gradient of each node of the sum.</summary>
    public required long TensorBytes { get; init; }

    /// <summary>Forward and backward pass of a shard by its samples, on a worker that has the machine for itself.</summary>
    public required CostCurve Compute { get; init; }

    /// <summary>How many times as long a shard takes while so many workers of one machine compute at once; 1 at one worker.</summary>
    public required CostCurve Crowding { get; init; }

    /// <summary>Sum and update by the number of workers on the coordinator's machine, which brings nodes to sum and threads to sum them with.</summary>
    public required CostCurve Complete { get; init; }

    /// <summary>Sum and update of one node alone, with a thread on each core: a coordinator whose workers are elsewhere.</summary>
    public required double CompleteOne { get; init; }

    /// <summary>What each further node adds to that.</summary>
    public required double SumNode { get; init; }

    /// <summary>Messages and wake-ups of a step with one worker: what passes from the parameters being ready to the last answer besides computing and transfer, and from there to the sum.</summary>
    public required double Exchange { get; init; }

    /// <summary>What each further worker adds to that.</summary>
    public required double ExchangeWorker { get; init; }

    /// <summary>Bytes a second that one worker and the coordinator move over gRPC where the link is no limit (loopback): what checksums, framing and copies let through.</summary>
    public required double PlaneBytesPerSecond { get; init; }

    /// <summary>Cores of the machine.</summary>
    public required int Cores { get; init; }

    /// <summary>Slices of a full batch.</summary>
    public int Slices => (Batch + Slice - 1) / Slice;
}

/// <summary>The network between the coordinator's machine and the others.</summary>
/// <param name="BitsPerSecond">The rate of the coordinator's own link, in each direction; its workers share it.</param>
/// <param name="LatencySeconds">A round trip, as <c>ping</c> shows it.</param>
public sealed record NetworkLink(double BitsPerSecond, double LatencySeconds)
{
    // Of 1,538 bytes that a full Ethernet frame takes on the wire, TCP carries 1,448; HTTP/2 frames and a last short packet take a little more.
    private const double PayloadShare = 0.94;

    /// <summary>Bytes of tensors that it carries in a second.</summary>
    public double PayloadBytesPerSecond => BitsPerSecond / 8 * PayloadShare;
}

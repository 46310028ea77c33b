using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.Serialization;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;

namespace DistNet.Coordinator.Plane;

/// <summary>The coordinator's end of one session's shared memory.</summary>
/// <remarks>Any thread may call: the plane's service offers, probes and ends, the actor takes, the numeric side returns what was taken. When the session ends the
/// memory is given up, as soon as the last taken gradient is returned, and never used again: a worker that was stopped may still write to its own mapping of it.</remarks>
public sealed class SharedSession : ISharedMemoryOffer, IAttendanceTransport, IGradientOwner
{
    private readonly Lock gate = new();
    private readonly SharedGradients gradients;
    private readonly Dictionary<long, int> taken = [];
    private bool accepted;
    private bool ended;

    private readonly AnswerReader? answers;

    internal SharedSession(Guid attendance, int threads, SharedGradients gradients, SharedMemoryPaths paths, AnswerReader? answers)
    {
        Attendance = attendance;
        Threads = threads;
        this.gradients = gradients;
        Paths = paths;
        this.answers = answers;
    }

    /// <summary>Whose session it is.</summary>
    public Guid Attendance { get; }

    /// <summary>The worker's compute threads.</summary>
    public int Threads { get; }

    /// <inheritdoc/>
    public SharedMemoryPaths Paths { get; }

    /// <inheritdoc/>
    public string Name => "shared memory";

    /// <inheritdoc/>
    public bool OrdersStand => true;

    /// <inheritdoc/>
    public ImmutableArray<long> Held
    {
        get
        {
            lock (gate)
            {
                return [.. taken.Keys];
            }
        }
    }

    /// <summary>The coordinator's half of the probe: whether what the worker wrote stands in this memory. Asked once: the file's name is gone afterwards, and where
    /// the proof does not hold the memory too.</summary>
    /// <param name="proof">What the worker says it wrote.</param>
    public IAttendanceTransport? Accept(Guid proof)
    {
        lock (gate)
        {
            if (ended || accepted)
            {
                return null;
            }

            gradients.Mapping.Unlink();
            Interlocked.MemoryBarrier();
            accepted = proof != Guid.Empty && gradients.Proof == proof;
            if (accepted)
            {
                answers?.Add(this);
                return this;
            }

            End();
            return null;
        }
    }

    /// <inheritdoc/>
    public bool TryTake(long ticket, [NotNullWhen(true)] out GradientLease? lease)
    {
        lock (gate)
        {
            lease = null;
            if (ended || !accepted || taken.ContainsKey(ticket) || !gradients.TryTake(ticket, out int slot) || !gradients.Mapping.TryUse())
            {
                return false;
            }

            taken.Add(ticket, slot);
            lease = new GradientLease(gradients.Values(slot), this, ticket);
            return true;
        }
    }

    /// <summary>The worker's next answer.</summary>
    /// <exception cref="IOException">What the worker wrote is no answer.</exception>
    /// <exception cref="SerializationException">Likewise.</exception>
    internal bool TryRead([NotNullWhen(true)] out ShardDone? answer)
    {
        byte[]? bytes;
        lock (gate)
        {
            answer = null;
            if (ended || !accepted || !gradients.Answers.TryRead(out bytes))
            {
                return false;
            }
        }

        answer = ControlSerializer.ReadAnswer(bytes);
        return true;
    }

    /// <inheritdoc/>
    public void Withdraw() => End();

    /// <inheritdoc/>
    public void End()
    {
        lock (gate)
        {
            ended = true;
            answers?.Remove(this);
            gradients.Dispose();
        }
    }

    void IGradientOwner.TakeBack(GradientLease lease)
    {
        lock (gate)
        {
            long ticket = (long)lease.Place!;
            if (taken.Remove(ticket, out int slot))
            {
                gradients.Return(slot, ticket);
                gradients.Mapping.EndUse();
            }
        }
    }
}

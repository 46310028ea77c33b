using System.Collections.Immutable;
using DistNet.Protocol;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;

namespace DistNet.Worker.Plane;

/// <summary>A worker's end of the tensor plane on the coordinator's machine: parameters are read where the coordinator updates them, gradients are written
/// where it sums them. Nothing is copied.</summary>
/// <param name="parameters">The coordinator's parameters; disposed with the plane.</param>
/// <param name="gradients">The session's slots; disposed with the plane.</param>
/// <param name="attendance">The session's attendance; not disposed with this. Null for a session without an end of its own.</param>
public sealed class SharedWorkerPlane(SharedParameters parameters, SharedGradients gradients, WorkerAttendance? attendance = null) : IWorkerPlane, IGradientOwner
{
    private readonly CancellationToken over = attendance?.Over ?? default;
    private readonly Slot[] slots = [.. Enumerable.Range(0, gradients.Slots).Select(index => new Slot(index, gradients.Values(index)))];
    private readonly bool isHeard = parameters.Bell.IsHeard;
    private long lastTicket;

    /// <inheritdoc/>
    public string Transport => "shared memory";

    /// <inheritdoc/>
    public bool OrdersStand => true;

    /// <inheritdoc/>
    public bool Stands(long version) => parameters.Stands(version);

    /// <inheritdoc/>
    public GradientLease Lease()
    {
        int index;
        try
        {
            if (!gradients.TryBegin(out index))
            {
                throw new InvalidOperationException($"All {gradients.Slots} slots for gradients are in use.");
            }
        }
        catch (IOException full)
        {
            throw new PlaneBrokenException($"the folder of shared memory is full: {full.Message.TrimEnd('.')}", full);
        }

        bool used = gradients.Mapping.TryUse();
        Invariant.Holds(used);
        Slot slot = slots[index];
        slot.Ticket = 0;
        return new GradientLease(slot.Values, this, slot);
    }

    /// <inheritdoc/>
    public ParameterHandle Fetch(long version, CancellationToken unwanted)
    {
        ParameterHandle handle = parameters.Fetch(version, unwanted, over);

        // A coordinator that was killed publishes nothing more, and its memory does not tell.
        return handle.Version == 0 && over.IsCancellationRequested
            ? throw new PlaneBrokenException(attendance!.Ended.IsCompletedSuccessfully ? attendance.Ended.Result : "the attendance is over")
            : handle;
    }

    /// <inheritdoc/>
    public ImmutableArray<AnsweredNode> Deliver(Fence fence, ShardResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var nodes = ImmutableArray.CreateBuilder<AnsweredNode>(result.Nodes.Length);
        foreach (ShardNode node in result.Nodes)
        {
            if (node.Gradient is not { } lease)
            {
                nodes.Add(new AnsweredNode(node.Node, node.Metrics, 0));
                continue;
            }

            long ticket = ++lastTicket;
            ((Slot)lease.Place!).Ticket = ticket;
            lease.Return();
            nodes.Add(new AnsweredNode(node.Node, node.Metrics, ticket));
        }

        return nodes.MoveToImmutable();
    }

    /// <inheritdoc/>
    public bool TryAnswer(ShardDone answer)
    {
        if (!isHeard)
        {
            return false;
        }

        WriteAnswer(ControlSerializer.WriteAnswer(answer));
        return true;
    }

    /// <inheritdoc/>
    public void ReleaseExcept(ImmutableArray<long> held) => gradients.FreeDelivered(held.IsDefault ? [] : held.AsSpan());

    /// <summary>Ends this process's use of the memory, as soon as the last lease is returned.</summary>
    public void Dispose()
    {
        parameters.Dispose();
        gradients.Dispose();
    }

    /// <summary>A lease of the computer's ends: delivered where it got a ticket, given up otherwise.</summary>
    void IGradientOwner.TakeBack(GradientLease lease)
    {
        var slot = (Slot)lease.Place!;
        if (slot.Ticket != 0)
        {
            gradients.Deliver(slot.Index, slot.Ticket);
        }
        else
        {
            gradients.Cancel(slot.Index);
        }

        gradients.Mapping.EndUse();
    }

    /// <summary>How many wait for parameters that are not there yet.</summary>
    internal int Waiting => parameters.Waiting;

    internal void WriteAnswer(ReadOnlySpan<byte> answer)
    {
        try
        {
            if (!gradients.Answers.TryWrite(answer))
            {
                throw new PlaneBrokenException("the coordinator reads no answers");
            }
        }
        catch (IOException scribbled)
        {
            throw new PlaneBrokenException($"the shared memory is not as it must be: {scribbled.Message}", scribbled);
        }

        parameters.Bell.Ring();
    }

    internal void WriteProof(Guid proof)
    {
        gradients.Proof = proof;
        Interlocked.MemoryBarrier();
    }

    private sealed class Slot(int index, Memory<float> values)
    {
        public int Index => index;

        public Memory<float> Values => values;

        public long Ticket { get; set; }
    }
}

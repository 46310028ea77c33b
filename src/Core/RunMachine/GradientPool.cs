using DistNet.Tensors;

namespace DistNet.Runs;

/// <summary>Arena-sized buffers for gradients of this process, used again and again: a worker leases one per node, the coordinator returns it after the update.</summary>
/// <remarks>Any thread may lease and return. A lease that nobody returns is collected as garbage, and the pool makes a new buffer in its place: a lost
/// lease costs an allocation, never a wrong sum. Contents of a leased buffer are those of its last use.</remarks>
/// <param name="length">Floats of a buffer: the layout's arena length.</param>
/// <param name="capacity">How many free buffers are kept; more are left to the garbage collector.</param>
public sealed class GradientPool(int length, int capacity = RunLimits.FreeGradients) : IGradientSource, IGradientOwner
{
    private readonly Lock gate = new();
    private readonly Stack<AlignedBuffer> free = new();
    private long leased;
    private long returned;

    /// <summary>Floats of a buffer.</summary>
    public int Length => length;

    /// <summary>Leases given and not yet returned; abandoned ones count for ever.</summary>
    public long Outstanding => Interlocked.Read(ref leased) - Interlocked.Read(ref returned);

    /// <inheritdoc/>
    public GradientLease Lease()
    {
        AlignedBuffer? buffer;
        lock (gate)
        {
            free.TryPop(out buffer);
        }

        Interlocked.Increment(ref leased);
        buffer ??= new AlignedBuffer(length);
        return new GradientLease(buffer.Memory, this, buffer);
    }

    void IGradientOwner.TakeBack(GradientLease lease)
    {
        Interlocked.Increment(ref returned);
        lock (gate)
        {
            if (free.Count < capacity)
            {
                free.Push((AlignedBuffer)lease.Place!);
            }
        }
    }
}

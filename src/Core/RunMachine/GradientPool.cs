using DistNet.Tensors;

namespace DistNet.Runs;

/// <summary>Arena-sized buffers for gradients, used again and again: a worker leases one per node, the coordinator returns it after the update.</summary>
/// <remarks>Any thread may lease and return. A lease that nobody returns (its message was lost) is collected as garbage, and the pool makes a new
/// buffer in its place: a lost message costs an allocation, never a wrong sum. Contents of a leased buffer are those of its last use.</remarks>
/// <param name="length">Floats of a buffer: the layout's arena length.</param>
/// <param name="capacity">How many free buffers are kept; more are left to the garbage collector.</param>
public sealed class GradientPool(int length, int capacity = RunLimits.FreeGradients)
{
    private readonly Lock gate = new();
    private readonly Stack<AlignedBuffer> free = new();
    private long leased;
    private long returned;

    /// <summary>Floats of a buffer.</summary>
    public int Length => length;

    /// <summary>Leases given and not yet returned; abandoned ones count for ever.</summary>
    public long Outstanding => Interlocked.Read(ref leased) - Interlocked.Read(ref returned);

    /// <summary>Leases a buffer; its contents are undefined.</summary>
    public GradientLease Lease()
    {
        AlignedBuffer? buffer;
        lock (gate)
        {
            free.TryPop(out buffer);
        }

        Interlocked.Increment(ref leased);
        return new GradientLease(this, buffer ?? new AlignedBuffer(length));
    }

    internal void TakeBack(AlignedBuffer buffer)
    {
        Interlocked.Increment(ref returned);
        lock (gate)
        {
            if (free.Count < capacity)
            {
                free.Push(buffer);
            }
        }
    }
}

/// <summary>The right to one buffer of a <see cref="GradientPool"/>. It travels with its message; whoever takes the message's content claims it,
/// once, and returns it when done. A message that arrives twice carries the same lease twice, and the second claim fails.</summary>
public sealed class GradientLease
{
    private readonly GradientPool pool;
    private AlignedBuffer? buffer;
    private int claimed;

    internal GradientLease(GradientPool pool, AlignedBuffer buffer)
    {
        this.pool = pool;
        this.buffer = buffer;
    }

    /// <summary>The buffer: the arena's length, padding included.</summary>
    /// <exception cref="InvalidOperationException">The lease was returned.</exception>
    public Memory<float> Values
    {
        get
        {
            AlignedBuffer? held = buffer;
            Invariant.Holds(held is not null);
            return held.Memory;
        }
    }

    /// <summary>Whether someone owns the lease or has given it back: what still carries it is a second copy of a message that was handled.</summary>
    public bool IsClaimed => Volatile.Read(ref claimed) != 0;

    /// <summary>Makes the caller the lease's owner, who must return it.</summary>
    /// <returns>False when someone else has claimed or returned it: its content is not the caller's to read.</returns>
    public bool TryClaim() => Interlocked.Exchange(ref claimed, 1) == 0;

    /// <summary>Gives the buffer back; nobody may touch it afterwards. Called once, by the owner: the worker while it has not sent the lease, or who claimed it.</summary>
    /// <exception cref="InvalidOperationException">The lease was returned before.</exception>
    public void Return()
    {
        Volatile.Write(ref claimed, 1);
        AlignedBuffer? held = Interlocked.Exchange(ref buffer, null);
        Invariant.Holds(held is not null);
        pool.TakeBack(held);
    }
}

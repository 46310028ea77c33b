namespace DistNet.Runs;

/// <summary>Where a worker's computer gets the memory that its gradients are written to: a pool of its process, or slots that the coordinator can read.</summary>
public interface IGradientSource
{
    /// <summary>Leases a buffer; its contents are undefined.</summary>
    GradientLease Lease();
}

/// <summary>Whose memory a lease is.</summary>
public interface IGradientOwner
{
    /// <summary>The lease ends: its memory may be used for another. Called once a lease, by any thread.</summary>
    void TakeBack(GradientLease lease);
}

/// <summary>The right to one buffer for a gradient. It has one holder at a time: the computer while it computes, then the plane that delivers it, then the
/// coordinator that took it by its ticket; whoever holds it last returns it.</summary>
public sealed class GradientLease
{
    private readonly Memory<float> values;
    private IGradientOwner? owner;

    /// <summary>Makes a lease.</summary>
    /// <param name="values">The buffer: the arena's length, padding included.</param>
    /// <param name="owner">Gets the buffer back.</param>
    /// <param name="place">What the owner knows the buffer by.</param>
    public GradientLease(Memory<float> values, IGradientOwner owner, object? place = null)
    {
        ArgumentNullException.ThrowIfNull(owner);
        this.values = values;
        this.owner = owner;
        Place = place;
    }

    /// <summary>What the owner knows the buffer by.</summary>
    public object? Place { get; }

    /// <summary>The buffer: the arena's length, padding included.</summary>
    /// <exception cref="InvalidOperationException">The lease was returned.</exception>
    public Memory<float> Values
    {
        get
        {
            Invariant.Holds(owner is not null);
            return values;
        }
    }

    /// <summary>Gives the buffer back; nobody may touch it afterwards.</summary>
    /// <exception cref="InvalidOperationException">The lease was returned before.</exception>
    public void Return()
    {
        IGradientOwner? to = Interlocked.Exchange(ref owner, null);
        Invariant.Holds(to is not null);
        to.TakeBack(this);
    }
}

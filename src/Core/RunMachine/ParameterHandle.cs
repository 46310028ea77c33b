namespace DistNet.Runs;

/// <summary>The parameters in memory, overwritten in place by each update, with a version that tells a reader whether what it has read
/// was overwritten meanwhile.</summary>
/// <remarks>One writer (the coordinator's numeric thread), any number of readers. A reader takes a <see cref="Handle"/>, computes, and asks
/// <see cref="ParameterHandle.IsCurrent"/> afterwards; if it no longer is, what was computed is worthless and must be dropped.</remarks>
public sealed class VersionedParameters
{
    private const long BeingOverwritten = 0;
    private long current = 1;
    private long last = 1;

    /// <summary>Wraps the parameters' arena.</summary>
    /// <param name="values">The whole arena, padding included.</param>
    public VersionedParameters(ReadOnlyMemory<float> values) => Values = values;

    /// <summary>The whole arena, padding included.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>The parameters as they are now. Called by the writer, between overwrites.</summary>
    public ParameterHandle Handle => new(this, last);

    internal long Current => Volatile.Read(ref current);

    /// <summary>Called before the first float is changed: from now on no earlier handle is current.</summary>
    public void BeginOverwrite()
    {
        Interlocked.Exchange(ref current, BeingOverwritten);
    }

    /// <summary>Called after the last float was changed: a new version begins.</summary>
    public void EndOverwrite()
    {
        last++;
        Interlocked.Exchange(ref current, last);
    }
}

/// <summary>One version of the parameters, read in place: no copy is made. The default value is empty and never current.</summary>
public readonly struct ParameterHandle
{
    private readonly VersionedParameters? source;

    internal ParameterHandle(VersionedParameters source, long version)
    {
        this.source = source;
        Version = version;
    }

    /// <summary>The whole arena, padding included. It may be overwritten while it is read: see <see cref="IsCurrent"/>.</summary>
    public ReadOnlyMemory<float> Values => source is null ? default : source.Values;

    /// <summary>From 1, growing by 1 with each overwrite of one <see cref="VersionedParameters"/>; never used twice.</summary>
    public long Version { get; }

    /// <summary>Whether nothing has been overwritten since the handle was made. Asked after the last read.</summary>
    public bool IsCurrent
    {
        get
        {
            Interlocked.MemoryBarrier();
            return source is not null && source.Current == Version;
        }
    }
}

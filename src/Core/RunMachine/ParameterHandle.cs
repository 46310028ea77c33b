namespace DistNet.Runs;

/// <summary>Who knows which version of the parameters some memory holds.</summary>
public interface IParameterVersions
{
    /// <summary>Whether the memory that was handed out with a version still holds it, whole. Safe on any thread.</summary>
    bool IsCurrent(long version);
}

/// <summary>Memory for the parameters and for the version that tells what it holds: given by whoever lets other processes read both in place.</summary>
/// <param name="Values">The arena, padding included; at a 64-byte boundary, +0.</param>
/// <param name="Version">One number.</param>
public sealed record ParameterMemory(Memory<float> Values, Memory<long> Version);

/// <summary>The parameters in memory, overwritten in place by each update, with a version that tells a reader whether what it has read
/// was overwritten meanwhile.</summary>
/// <remarks>One writer (the coordinator's numeric side, one thread at a time), any number of readers. A reader takes a <see cref="Handle"/>, computes, and asks
/// <see cref="ParameterHandle.IsCurrent"/> afterwards; if it no longer is, what was computed is worthless and must be dropped.</remarks>
public sealed class VersionedParameters : IParameterVersions
{
    private const long BeingOverwritten = 0;
    private const int TermShift = 40;
    private readonly Memory<long> current;
    private long last;

    /// <summary>Wraps the parameters' arena.</summary>
    /// <param name="values">The whole arena, padding included.</param>
    /// <param name="term">The coordinator's life, from 1. Versions are unique over terms, so that nothing a worker keeps by version is taken for another's.</param>
    /// <param name="version">Where the version is kept, one number; null keeps it here.</param>
    public VersionedParameters(ReadOnlyMemory<float> values, int term = 1, Memory<long>? version = null)
    {
        Values = values;
        current = version ?? new long[1];
        last = First(term);
        Interlocked.Exchange(ref current.Span[0], last);
    }

    /// <summary>The whole arena, padding included.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>The parameters as they are now. Called by the writer, between overwrites.</summary>
    public ParameterHandle Handle => new(this, Values, last);

    /// <summary>The first version of a term: (term · 2^40) + 1.</summary>
    public static long First(int term) => ((long)term << TermShift) + 1;

    /// <inheritdoc/>
    public bool IsCurrent(long version) => Volatile.Read(ref current.Span[0]) == version;

    /// <summary>Called before the first float is changed: from now on no earlier handle is current.</summary>
    public void BeginOverwrite()
    {
        Interlocked.Exchange(ref current.Span[0], BeingOverwritten);
    }

    /// <summary>Called after the last float was changed: a new version begins.</summary>
    public void EndOverwrite()
    {
        last++;
        Interlocked.Exchange(ref current.Span[0], last);
    }
}

/// <summary>One version of the parameters, read in place: no copy is made. The default value is empty and never current.</summary>
public readonly struct ParameterHandle
{
    private readonly IParameterVersions? source;

    /// <summary>Hands out one version.</summary>
    /// <param name="source">Knows whether the memory still holds it.</param>
    /// <param name="values">The whole arena, padding included.</param>
    /// <param name="version">The version; at least 1.</param>
    public ParameterHandle(IParameterVersions source, ReadOnlyMemory<float> values, long version)
    {
        ArgumentNullException.ThrowIfNull(source);
        this.source = source;
        Values = values;
        Version = version;
    }

    /// <summary>The whole arena, padding included. It may be overwritten while it is read: see <see cref="IsCurrent"/>.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>Growing by 1 with each overwrite; unique in a run, over all terms of its coordinator. 0: the default handle.</summary>
    public long Version { get; }

    /// <summary>Whether nothing has been overwritten since the handle was made. Asked after the last read.</summary>
    public bool IsCurrent
    {
        get
        {
            Interlocked.MemoryBarrier();
            return source is not null && source.IsCurrent(Version);
        }
    }
}

using DistNet.Data;

namespace DistNet.Graphs;

/// <summary>The samples of one pass, and the keys of its randomness.</summary>
public readonly struct PassInput
{
    /// <summary>Where the samples are.</summary>
    public required Dataset Data { get; init; }

    /// <summary>The samples' indexes into <see cref="Data"/>, in the order of the batch; at least one.</summary>
    public required ReadOnlyMemory<int> Samples { get; init; }

    /// <summary>The seed of the run.</summary>
    public ulong Seed { get; init; }

    /// <summary>The step, from 0.</summary>
    public long Step { get; init; }

    /// <summary>The place in the batch of the first sample: a multiple of the slice size.</summary>
    public int FirstPlace { get; init; }
}

namespace DistNet.Tensors;

/// <summary>One flat float buffer with a view per parameter: the parameters themselves, a gradient, or an optimizer slot. Padding stays +0.</summary>
public sealed class Arena
{
    /// <summary>Allocates an arena of its own, all +0.</summary>
    /// <param name="layout">Names, shapes and offsets.</param>
    public Arena(Layout layout)
        : this(layout, new AlignedBuffer((layout ?? throw new ArgumentNullException(nameof(layout))).ArenaLength).Memory)
    {
    }

    /// <summary>Lays an arena over memory that someone else provides.</summary>
    /// <param name="layout">Names, shapes and offsets.</param>
    /// <param name="memory">As long as the arena, at a 64-byte boundary; its padding is +0.</param>
    public Arena(Layout layout, Memory<float> memory)
    {
        ArgumentNullException.ThrowIfNull(layout);
        Invariant.Holds(memory.Length == layout.ArenaLength);
        Layout = layout;
        Memory = memory;
    }

    /// <summary>Names, shapes and offsets.</summary>
    public Layout Layout { get; }

    /// <summary>All floats, padding included.</summary>
    public Span<float> Span => Memory.Span;

    /// <summary>All floats, padding included, as memory that can be kept.</summary>
    public Memory<float> Memory { get; }

    /// <summary>The view of one parameter, without padding.</summary>
    public Span<float> this[ParameterEntry entry] => Span.Slice(entry.Offset, entry.Length);
}

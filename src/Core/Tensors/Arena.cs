namespace DistNet.Tensors;

/// <summary>One flat float buffer with a view per parameter: the parameters themselves, a gradient, or an optimizer slot. Padding stays +0.</summary>
/// <param name="layout">Names, shapes and offsets.</param>
public sealed class Arena(Layout layout)
{
    private readonly AlignedBuffer buffer = new(layout.ArenaLength);

    /// <summary>Names, shapes and offsets.</summary>
    public Layout Layout { get; } = layout;

    /// <summary>All floats, padding included.</summary>
    public Span<float> Span => buffer.Span;

    /// <summary>All floats, padding included, as memory that can be kept.</summary>
    public Memory<float> Memory => buffer.Memory;

    /// <summary>The view of one parameter, without padding.</summary>
    public Span<float> this[ParameterEntry entry] => buffer.Span.Slice(entry.Offset, entry.Length);
}

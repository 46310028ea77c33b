using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace DistNet.Tensors;

/// <summary>What a parameter is for; decides initialisation and whether weight decay applies to it.</summary>
public enum ParameterRole
{
    /// <summary>A matrix or kernel of weights: Kaiming initialisation, decayed.</summary>
    Weight,

    /// <summary>An additive bias: starts at 0, not decayed unless asked.</summary>
    Bias,

    /// <summary>A multiplicative scale of a norm: starts at 1, not decayed unless asked.</summary>
    Scale,

    /// <summary>Whatever it is for, it stays as it starts: no gradient, no update, no part in penalties and norms.</summary>
    Frozen,

    /// <summary>A running statistic of a norm: not trained, not clipped, not decayed, without optimizer slots. What stands for its gradient is the sum over samples of
    /// its change; once a step the mean change is added to it.</summary>
    Buffer,
}

/// <summary>One parameter's or buffer's place in the arena.</summary>
/// <param name="Name">Its name as PyTorch would give it, <c>fc1.weight</c>.</param>
/// <param name="Shape">Its shape; a Linear weight is [out, in].</param>
/// <param name="Role">What it is for.</param>
/// <param name="Offset">The index of its first float in the arena; a multiple of <see cref="AlignedBuffer.AlignmentFloats"/>.</param>
public sealed record ParameterEntry(string Name, Shape Shape, ParameterRole Role, int Offset)
{
    /// <summary>The number of floats, padding excluded.</summary>
    public int Length => Shape.Length;

    /// <summary>Whether it is a running statistic.</summary>
    public bool IsBuffer => Role == ParameterRole.Buffer;

    /// <summary>Whether it is a parameter that stays as it starts.</summary>
    public bool IsFrozen => Role == ParameterRole.Frozen;

    /// <summary>Whether it gets a gradient and updates.</summary>
    public bool IsTrained => !IsFrozen && !IsBuffer;
}

/// <summary>Names, shapes and offsets of all parameters and buffers, in the order of declaration (that of PyTorch's <c>state_dict</c>). Every arena, optimizer slot and
/// digest follows it.</summary>
public sealed class Layout
{
    private readonly Dictionary<string, ParameterEntry> byName;

    /// <summary>Lays out parameters one after the other, each at a 64-byte boundary.</summary>
    /// <exception cref="ArgumentException">Two parameters have one name.</exception>
    /// <exception cref="DistNetException">All together are more than one buffer can hold.</exception>
    public Layout(IEnumerable<(string Name, Shape Shape, ParameterRole Role)> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        (string Name, Shape Shape, ParameterRole Role)[] all = [.. parameters];
        ArenaLength = AlignedBuffer.LengthOf(all.Sum(parameter => Padded(parameter.Shape)), "All parameters of the model together", "take a smaller model");
        var entries = ImmutableArray.CreateBuilder<ParameterEntry>(all.Length);
        long offset = 0;
        foreach ((string name, Shape shape, ParameterRole role) in all)
        {
            entries.Add(new ParameterEntry(name, shape, role, (int)offset));
            offset += Padded(shape);
        }

        Entries = entries.ToImmutable();
        Parameters = [.. Entries.Where(entry => !entry.IsBuffer)];
        Buffers = [.. Entries.Where(entry => entry.IsBuffer)];
        byName = Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>Parameters and buffers, in the order of declaration.</summary>
    public ImmutableArray<ParameterEntry> Entries { get; }

    /// <summary>The parameters alone: what is trained, and what is frozen.</summary>
    public ImmutableArray<ParameterEntry> Parameters { get; }

    /// <summary>The buffers alone: running statistics.</summary>
    public ImmutableArray<ParameterEntry> Buffers { get; }

    /// <summary>The number of floats of an arena, padding included.</summary>
    public int ArenaLength { get; }

    /// <summary>The number of parameters' floats, padding and buffers excluded.</summary>
    public long ParameterCount => Parameters.Sum(entry => (long)entry.Length);

    /// <summary>Finds a parameter or a buffer by name.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out ParameterEntry? entry) => byName.TryGetValue(name, out entry);

    private static long Padded(Shape shape) => ((long)shape.Length + AlignedBuffer.AlignmentFloats - 1) / AlignedBuffer.AlignmentFloats * AlignedBuffer.AlignmentFloats;
}

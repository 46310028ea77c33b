using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;
using DistNet.Tensors;

namespace DistNet.Optimizers;

/// <summary>A run of one parameter's floats, small enough that a block of each arena stays in the first-level cache; or several that lie side by side (<see cref="ArenaBlocks.Stretch"/>).</summary>
/// <param name="Offset">Its first float in the arena; a multiple of 16.</param>
/// <param name="Length">Its floats, padding excluded.</param>
/// <param name="Decayed">Whether decay and penalties apply to it.</param>
/// <param name="IsBuffer">Whether it is of a buffer: its mean change is added to it, and nothing else.</param>
internal readonly record struct ArenaBlock(int Offset, int Length, bool Decayed, bool IsBuffer)
{
    /// <summary>Its floats with the padding that follows the parameter's last: a multiple of 16.</summary>
    public int PaddedLength => (Length + AlignedBuffer.AlignmentFloats - 1) / AlignedBuffer.AlignmentFloats * AlignedBuffer.AlignmentFloats;
}

/// <summary>The blocks of a layout: every parameter that is trained and every buffer is cut every <see cref="Size"/> floats from its own start, so that neither the arena's other
/// parameters nor the number of threads move a block. Sums over the arena add inside blocks, then over a parameter's blocks, then over parameters.</summary>
internal sealed class ArenaBlocks
{
    /// <summary>Floats of a full block. Part of the numerics contract, since the gradient's norm is summed by blocks.</summary>
    public const int Size = 2048;

    private readonly ImmutableArray<ParameterEntry> entries;
    private readonly int[] firstBlocks;
    private readonly double[] parameterSums;

    /// <summary>Cuts a layout.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="decayBiases">Whether decay and penalties apply to biases and scales too.</param>
    public ArenaBlocks(Layout layout, bool decayBiases)
    {
        var blocks = ImmutableArray.CreateBuilder<ArenaBlock>();
        entries = layout.Entries;
        firstBlocks = new int[entries.Length + 1];
        parameterSums = new double[layout.Parameters.Length];
        for (int index = 0; index < entries.Length; index++)
        {
            ParameterEntry entry = entries[index];
            firstBlocks[index] = blocks.Count;
            for (int start = 0; !entry.IsFrozen && start < entry.Length; start += Size)
            {
                bool decayed = !entry.IsBuffer && (decayBiases || entry.Role == ParameterRole.Weight);
                blocks.Add(new(entry.Offset + start, Math.Min(Size, entry.Length - start), decayed, entry.IsBuffer));
            }
        }

        firstBlocks[^1] = blocks.Count;
        Blocks = blocks.ToImmutable();
    }

    /// <summary>The blocks, in the order of the arena.</summary>
    public ImmutableArray<ArenaBlock> Blocks { get; }

    /// <summary>As many blocks as lie side by side, without padding between them, and are treated alike, as one: what needs no sums by block goes over them in one loop.</summary>
    /// <param name="first">The first block; after the call the one behind the stretch.</param>
    /// <param name="end">The block behind the last that may belong to it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public ArenaBlock Stretch(ref int first, int end)
    {
        ArenaBlock stretch = Blocks[first++];
        for (; first < end && Blocks[first] == stretch with { Offset = stretch.Offset + stretch.PaddedLength, Length = Blocks[first].Length } && stretch.Length % Size == 0; first++)
        {
            stretch = stretch with { Length = stretch.Length + Blocks[first].Length };
        }

        return stretch;
    }

    /// <summary>The sum of one value per block: a binary tree over each parameter's blocks, then one over the parameters. To that the values of buffers are added: 0, or NaN.</summary>
    public double Sum(ReadOnlySpan<double> blockValues)
    {
        int parameter = 0;
        double buffers = 0;
        for (int index = 0; index < entries.Length; index++)
        {
            double sum = Tree(blockValues[firstBlocks[index]..firstBlocks[index + 1]]);
            if (entries[index].IsBuffer)
            {
                buffers += sum;
            }
            else
            {
                parameterSums[parameter++] = sum;
            }
        }

        return Tree(parameterSums) + buffers;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Tree(ReadOnlySpan<double> values)
    {
        if (values.Length <= 1)
        {
            return values.Length == 0 ? 0 : values[0];
        }

        int half = (int)BitOperations.RoundUpToPowerOf2((uint)values.Length) / 2;
        return Tree(values[..half]) + Tree(values[half..]);
    }
}

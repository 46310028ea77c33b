namespace DistNet.Runs;

/// <summary>Consecutive slices of one step: <see cref="First"/> (global index) and how many.</summary>
public readonly record struct SliceRange(int First, int Count)
{
    /// <summary>The index after the last slice.</summary>
    public int End => First + Count;

    /// <summary>Whether a slice is in both.</summary>
    public bool Overlaps(SliceRange other) => First < other.End && other.First < End;

    /// <summary>As <c>[3, 7)</c>.</summary>
    public override string ToString() => $"[{First}, {End})";
}

/// <summary>A node of the canonical sum: at <see cref="Level"/> l and <see cref="Index"/> i it covers the global slices [i·2^l, (i+1)·2^l),
/// cut at the batch's last slice. Its value is left + right, and a node whose right half is empty is its left half.</summary>
public readonly record struct SumNode(int Level, int Index)
{
    /// <summary>The first slice covered.</summary>
    public int First => Index << Level;

    /// <summary>The slices covered in a batch of <paramref name="sliceCount"/> slices.</summary>
    public SliceRange Slices(int sliceCount) => new(First, Math.Min((Index + 1) << Level, sliceCount) - First);

    /// <summary>The node above.</summary>
    public SumNode Parent => new(Level + 1, Index >> 1);

    /// <summary>As <c>level 2, index 5</c>. (The generated text would print the parent, and its parent, without end.)</summary>
    public override string ToString() => $"level {Level}, index {Index}";
}

namespace DistNet.Kernels;

/// <summary>What one tile is computed from.</summary>
internal unsafe struct Tile
{
    /// <summary>The left operand, packed: Rows floats for each k.</summary>
    public float* Left;

    /// <summary>The right operand, packed: the tile's columns for each k.</summary>
    public float* Right;

    /// <summary>From one k of the right operand to the next.</summary>
    public nint RightStride;

    /// <summary>How many k each segment sums; each segment is a chain of its own.</summary>
    public int* Counts;

    /// <summary>The number of segments, at least 1.</summary>
    public int Segments;

    /// <summary>Partial sums that the (only) segment's chains continue; null for +0.</summary>
    public float* Start;

    /// <summary>From one row of <see cref="Start"/> to the next.</summary>
    public nint StartStride;

    /// <summary>Room for a tile at each level of the tree over segments.</summary>
    public float* Levels;

    /// <summary>One row that is added last; null for none.</summary>
    public float* Bias;

    /// <summary>Where the outputs go.</summary>
    public float* To;

    /// <summary>From one row of <see cref="To"/> to the next.</summary>
    public nint ToStride;
}

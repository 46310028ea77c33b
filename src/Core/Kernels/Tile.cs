namespace DistNet.Kernels;

/// <summary>What one tile is computed from, or several of the same size that follow each other at even distances.</summary>
internal unsafe struct Tile
{
    /// <summary>The left operand's first row at k = 0; one element is read for each row and k.</summary>
    public float* Left;

    /// <summary>From one row of the left operand to the next.</summary>
    public nint LeftRowStride;

    /// <summary>From one three rows of the left operand to the next three, where its steps are listed; elsewhere rows are evenly spaced.</summary>
    public nint LeftGroupStride;

    /// <summary>From one k of the left operand to the next, in a <see cref="ColumnsWalk"/>; elsewhere the walk tells.</summary>
    public nint LeftStep;

    /// <summary>How far on in the left operand the next tile's elements lie, which tall tiles fetch ahead; 0 where its own lie in the order in which they are read.</summary>
    public nint LeftAhead;

    /// <summary>What else is fetched: what is packed or written next, or what lies ahead in a right operand that is read where it lies. Where nothing is said, none.</summary>
    public LinesAhead Ahead;

    /// <summary>The right operand's first column at k = 0: the tile's columns side by side for each k.</summary>
    public float* Right;

    /// <summary>From one k of the right operand to the next.</summary>
    public nint RightStride;

    /// <summary>For each k the step to the next, of the operand whose steps are listed. There is one segment then, which starts at k = 0.</summary>
    public int* Steps;

    /// <summary>Where the steps of the right operand are listed: from the first vector of a row to the second.</summary>
    public nint SecondRight;

    /// <summary>Likewise in <see cref="To"/>; where the vectors overlap there, the second one's lanes stay.</summary>
    public nint SecondTo;

    /// <summary>Whether each chain goes on from what stands in <see cref="To"/> instead of starting at +0: only where there is one segment, no steps of the right operand, and operands that are not packed.</summary>
    public bool Continues;

    /// <summary>The k that each segment sums; each segment is a chain of its own.</summary>
    public SliceRows* Segments;

    /// <summary>The number of segments, at least 1.</summary>
    public int SegmentCount;

    /// <summary>Room for a tile at each level of the tree over segments; not read where there is one segment.</summary>
    public float* Levels;

    /// <summary>One value for each row that is added last, in a <see cref="PackedWalk"/> one for each column; null for none.</summary>
    public float* Bias;

    /// <summary>Where the outputs go.</summary>
    public float* To;

    /// <summary>From one row of <see cref="To"/> to the next.</summary>
    public nint ToStride;

    /// <summary>How many tiles follow this one; what is fetched goes on through all of them.</summary>
    public int After;

    /// <summary>From one tile to the next in <see cref="Left"/>.</summary>
    public nint LeftToNext;

    /// <summary>From one tile to the next in <see cref="Right"/>.</summary>
    public nint RightToNext;

    /// <summary>From one tile to the next in <see cref="To"/>.</summary>
    public nint ToNext;

    /// <summary>From one tile to the next in <see cref="Bias"/>; 0 where there is none.</summary>
    public nint BiasToNext;
}

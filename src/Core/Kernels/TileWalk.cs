namespace DistNet.Kernels;

/// <summary>How a tile's operands are walked from one k to the next: by a stride, or by a list of steps, one for each k (the taps of a convolution, or its pixels).</summary>
internal interface ITileWalk
{
    static abstract bool LeftIsListed { get; }

    static abstract bool RightIsListed { get; }
}

/// <summary>Both operands by strides: matrices.</summary>
internal readonly struct StridedWalk : ITileWalk
{
    public static bool LeftIsListed => false;

    public static bool RightIsListed => false;
}

/// <summary>The left operand by a list.</summary>
internal readonly struct LeftListedWalk : ITileWalk
{
    public static bool LeftIsListed => true;

    public static bool RightIsListed => false;
}

/// <summary>The right operand by a list; its two vectors may lie anywhere to each other.</summary>
internal readonly struct RightListedWalk : ITileWalk
{
    public static bool LeftIsListed => false;

    public static bool RightIsListed => true;
}

namespace DistNet.Kernels;

/// <summary>How a tile's operands are walked from one k to the next. The JIT knows a type already while it reads a method, and so never looks at what another walk would do.</summary>
internal interface ITileWalk;

/// <summary>The left operand as a matrix of the tile's rows: each k beside the last. The right one by strides.</summary>
internal readonly struct RowsWalk : ITileWalk;

/// <summary>The left operand as a matrix of which the tile's rows are columns: side by side for each k. The right one by strides.</summary>
internal readonly struct ColumnsWalk : ITileWalk;

/// <summary>Both operands packed for the tile: for each k the elements of its rows side by side, and those of its columns; then those of the next k. There, no chain continues another.</summary>
internal readonly struct PackedWalk : ITileWalk;

/// <summary>The left operand by a list of steps, one for each k (the taps of a convolution, or its pixels).</summary>
internal readonly struct LeftListedWalk : ITileWalk;

/// <summary>The left operand as in <see cref="RowsWalk"/>, the right one by a list of steps; its two vectors may lie anywhere to each other.</summary>
internal readonly struct RightListedWalk : ITileWalk;

namespace DistNet.Kernels;

/// <summary>The rows of one slice inside a shard's buffers. A slice keeps its place (a multiple of the slice size) even where fewer rows,
/// or none, are present: the last slice of a batch, and the branches of a Select.</summary>
/// <param name="First">The index of its first row.</param>
/// <param name="Count">How many rows it has; 0 gives a sum of +0.</param>
public readonly record struct SliceRows(int First, int Count);

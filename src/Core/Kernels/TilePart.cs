namespace DistNet.Kernels;

/// <summary>Rows of Winograd's tiles of one sample.</summary>
/// <param name="Sample">The sample.</param>
/// <param name="First">The first row.</param>
/// <param name="End">The row after the last.</param>
internal readonly record struct TilePart(int Sample, int First, int End);

/// <summary>A run of rows of tiles that follow each other through the samples, sample by sample.</summary>
/// <param name="from">The first row, counted through all samples.</param>
/// <param name="to">The row after the last.</param>
/// <param name="sampleRows">The rows of a sample.</param>
internal ref struct TileParts(int from, int to, int sampleRows)
{
    private readonly int end = to;
    private readonly int sampleRows = sampleRows;
    private int next = from;

    public TilePart Current { get; private set; }

    public readonly TileParts GetEnumerator() => this;

    public bool MoveNext()
    {
        if (next >= end)
        {
            return false;
        }

        (int sample, int first) = Math.DivRem(next, sampleRows);
        Current = new TilePart(sample, first, Math.Min(sampleRows, first + end - next));
        next += Current.End - first;
        return true;
    }
}

namespace DistNet.Kernels;

/// <summary>What is fetched while a tile is computed: with each step one line, or two. <see cref="TileShapes.StepsAhead"/> says how many steps a tile takes.</summary>
/// <param name="first">The line that comes with the first step.</param>
/// <param name="step">The floats from there to the line that comes with the next step.</param>
/// <param name="count">How many steps there are.</param>
/// <param name="second">The floats from a line to the other that comes with the same step; 0 for one line.</param>
internal readonly unsafe struct LinesAhead(float* first, nint step, int count, nint second = 0)
{
    public readonly float* First = first;
    public readonly nint Step = step;
    public readonly int Count = count;
    public readonly nint Second = second;

    /// <summary>Floats that lie side by side: two lines with each step.</summary>
    /// <param name="first">The first float.</param>
    /// <param name="length">How many floats there are.</param>
    public static LinesAhead Of(float* first, int length)
    {
        const int Step = 2 * Prefetch.LineFloats;
        return new LinesAhead(first, Step, (length + Step - 1) / Step, Prefetch.LineFloats);
    }

    /// <summary>One of several pieces, nearly equal, of floats that lie side by side: two lines with each step.</summary>
    /// <param name="first">The first float of all pieces.</param>
    /// <param name="length">The floats of all pieces.</param>
    /// <param name="piece">Which piece.</param>
    /// <param name="pieces">How many pieces there are.</param>
    public static LinesAhead PieceOf(float* first, nint length, int piece, int pieces)
    {
        const int Step = 2 * Prefetch.LineFloats;
        nint from = length * piece / pieces / Step, to = ((length * (piece + 1) / pieces) + Step - 1) / Step;
        return new LinesAhead(first + (from * Step), Step, (int)(to - from), Prefetch.LineFloats);
    }
}

/// <summary>The samples of two buffers that come next, fetched piece by piece while those before them are computed: with each tile some lines of both.</summary>
/// <param name="first">The first buffer.</param>
/// <param name="firstLength">The floats of a sample there.</param>
/// <param name="second">The second buffer.</param>
/// <param name="secondLength">The floats of a sample there.</param>
/// <param name="samples">The sample after the last.</param>
/// <param name="sampleRows">The rows of a sample that are counted.</param>
internal unsafe struct SamplesAhead(float* first, int firstLength, float* second, int secondLength, int samples, int sampleRows)
{
    private readonly float* first = first, second = second;
    private readonly int firstLength = firstLength, secondLength = secondLength, samples = samples, sampleRows = sampleRows;
    private int fetched;
    private int pieces;
    private float* next;
    private float* nextSecond;
    private int lines;
    private int secondLines;

    /// <summary>Begins to fetch what the next rows, counted through all samples, touch first.</summary>
    /// <param name="row">The first of the next rows.</param>
    /// <param name="rows">How many there may be.</param>
    /// <param name="tiles">With how many tiles they are fetched.</param>
    public void Begin(int row, int rows, int tiles)
    {
        int from = Math.Max(SampleAfter(row), fetched), to = Math.Min(SampleAfter(row + rows), samples);
        pieces = to > from ? tiles : 0;
        if (pieces > 0)
        {
            next = first + ((nint)from * firstLength);
            nextSecond = second + ((nint)from * secondLength);
            lines = LinesOf(to - from, firstLength, tiles);
            secondLines = LinesOf(to - from, secondLength, tiles);
            fetched = to;
        }
    }

    /// <summary>What the next tiles fetch.</summary>
    /// <param name="tiles">How many tiles.</param>
    public LinesAhead Next(int tiles)
    {
        int count = Math.Min(tiles, pieces);
        if (count <= 0)
        {
            return default;
        }

        pieces -= count;
        LinesAhead ahead = new(next, Prefetch.LineFloats, count * Math.Max(lines, secondLines), (nint)(nextSecond - next));
        next += count * lines * Prefetch.LineFloats;
        nextSecond += count * secondLines * Prefetch.LineFloats;
        return ahead;
    }

    // The first sample of which none of the rows before this one is.
    private readonly int SampleAfter(int row) => (row + sampleRows - 1) / sampleRows;

    private static int LinesOf(int samples, int length, int tiles)
    {
        long each = (long)tiles * Prefetch.LineFloats;
        return (int)((((long)samples * length) + each - 1) / each);
    }
}

using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>The rows of one value or gradient. As a rule those of the wave under way, over which the next wave writes; where a parameter's gradient is computed at the end of the pass, those of
/// all its waves are kept.</summary>
/// <param name="width">The floats of a row.</param>
internal sealed class RowBuffer(int width)
{
    private AlignedBuffer memory = new(0);
    private bool isKept;
    private int start;

    /// <summary>The floats of a row.</summary>
    public int Width => width;

    /// <summary>The rows, from the first one of the wave on.</summary>
    public Span<float> Span => memory.Span[start..];

    /// <summary>The rows, from the first one of the wave on, as memory that can be kept.</summary>
    public Memory<float> Memory => memory.Memory[start..];

    /// <summary>Keeps the rows of all waves; before <see cref="Allocate"/>.</summary>
    public void Keep() => isKept = true;

    /// <summary>Allocates, once.</summary>
    /// <param name="waveRows">The most rows of a wave.</param>
    /// <param name="passRows">The most rows of a pass.</param>
    /// <exception cref="DistNetException">The rows are more than an array can hold.</exception>
    public void Allocate(int waveRows, int passRows)
    {
        if (memory.Length > 0)
        {
            return;
        }

        int rows = isKept ? passRows : waveRows;
        memory = new AlignedBuffer(AlignedBuffer.LengthOf((long)rows * width, $"A pass of {rows} samples with {width} values each", ExecutionMemory.Remedy));
    }

    /// <summary>Turns to the wave whose first row this is among the pass's.</summary>
    public void MoveTo(int firstRow) => start = isKept ? firstRow * width : 0;
}

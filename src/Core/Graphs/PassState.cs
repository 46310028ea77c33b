using DistNet.Data;
using DistNet.Kernels;

namespace DistNet.Graphs;

/// <summary>What every thread of a pass reads: set before the team starts, unchanged while it runs.</summary>
/// <param name="unit">The vector width.</param>
internal sealed unsafe class PassState(VectorUnit unit)
{
    // The caller's parameters, pinned for the length of the pass: spans cannot be kept in an object.
    private float* parameters;
    private int parametersLength;
    private ReadOnlyMemory<int> samples;

    public VectorUnit Unit { get; } = unit;

    /// <summary>Who is told when a piece of a pass is done; null for nobody.</summary>
    public PassLaps? Laps { get; set; }

    public bool Training { get; private set; }

    public ulong Seed { get; private set; }

    public uint Step { get; private set; }

    public int FirstPlace { get; private set; }

    public int Rows => samples.Length;

    public Dataset? Data { get; private set; }

    public ReadOnlySpan<int> Samples => samples.Span;

    public ReadOnlySpan<float> Parameters => new(parameters, parametersLength);

    public void Set(in PassInput input, float* pinnedParameters, int length, bool training)
    {
        parameters = pinnedParameters;
        parametersLength = length;
        samples = input.Samples;
        Data = input.Data;
        Seed = input.Seed;
        Step = unchecked((uint)input.Step);
        FirstPlace = input.FirstPlace;
        Training = training;
    }

    /// <summary>Copies inputs of samples to their rows.</summary>
    /// <param name="first">The first sample, counted from the wave's first.</param>
    /// <param name="count">How many.</param>
    /// <param name="rows">[samples of the wave, InputShape.Length].</param>
    public void Gather(int first, int count, Span<float> rows)
    {
        int width = Data!.InputShape.Length;
        Data.CopyInputs(samples.Span.Slice(first, count), rows.Slice(first * width, count * width));
    }

    /// <summary>Forgets the pinned memory and the data.</summary>
    public void Clear()
    {
        parameters = null;
        parametersLength = 0;
        samples = default;
        Data = null;
    }
}

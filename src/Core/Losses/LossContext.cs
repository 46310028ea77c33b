using DistNet.Data;
using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Losses;

/// <summary>What a loss sees: the model's output for the rows of one slice, and the samples' labels or targets. One object per thread.</summary>
public sealed class LossContext
{
    private readonly AlignedBuffer scratch;
    private Memory<float> outputs;
    private Memory<float> gradient;
    private Dataset? data;
    private int[] samples = [];
    private int[] labels = [];
    private int rows;

    internal LossContext(VectorUnit unit, int width, int scratchLength)
    {
        Unit = unit;
        Width = width;
        scratch = new AlignedBuffer(scratchLength);
    }

    /// <summary>The vector width that kernels run with.</summary>
    public VectorUnit Unit { get; }

    /// <summary>The number of samples.</summary>
    public int Rows => rows;

    /// <summary>The number of outputs of one sample.</summary>
    public int Width { get; }

    /// <summary>The model's output, [Rows, Width].</summary>
    public ReadOnlySpan<float> Outputs => outputs.Span;

    /// <summary>Where the gradient of the summed loss by the output goes, [Rows, Width]; empty where nobody needs it.</summary>
    public Span<float> Gradient => gradient.Span;

    /// <summary>Floats of this thread's own for one call.</summary>
    public Span<float> Scratch => scratch.Span;

    /// <summary>The class of each row's sample; empty for a regression.</summary>
    public ReadOnlySpan<int> Labels => data!.Labels.IsEmpty ? default : labels.AsSpan(0, rows);

    /// <summary>The targets of a row's sample.</summary>
    public ReadOnlySpan<float> Target(int row) => data!.Targets.Slice(samples[row] * data.TargetWidth, data.TargetWidth);

    internal void Bind(Memory<float> modelOutputs, Memory<float> outputGradient, Dataset dataset, ReadOnlySpan<int> sampleIndexes)
    {
        if (samples.Length < sampleIndexes.Length)
        {
            samples = new int[sampleIndexes.Length];
            labels = new int[sampleIndexes.Length];
        }

        sampleIndexes.CopyTo(samples);
        rows = sampleIndexes.Length;
        outputs = modelOutputs;
        gradient = outputGradient;
        data = dataset;
        ReadOnlySpan<int> all = dataset.Labels;
        for (int row = 0; row < rows && !all.IsEmpty; row++)
        {
            labels[row] = all[samples[row]];
        }
    }
}

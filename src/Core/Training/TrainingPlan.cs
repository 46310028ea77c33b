using DistNet.Runs;

namespace DistNet.Training;

/// <summary>How epochs, steps, batches and slices follow from the sizes of a run: plain arithmetic, the same for everyone.</summary>
/// <param name="SampleCount">Training samples, at least 1.</param>
/// <param name="Batch">Samples of a full batch, at least 1.</param>
/// <param name="Slice">Samples of a full slice, at least 1.</param>
/// <param name="Epochs">Passes over the data, at least 1.</param>
public sealed record TrainingPlan(int SampleCount, int Batch, int Slice, int Epochs)
{
    /// <summary>Steps of one epoch: the last batch may be short.</summary>
    public int StepsPerEpoch => CeilingDivide(SampleCount, Batch);

    /// <summary>Steps of the whole run, if nothing stops it early.</summary>
    public long TotalSteps => (long)StepsPerEpoch * Epochs;

    /// <summary>Whether a step is the last of its epoch.</summary>
    public bool EndsEpoch(int stepInEpoch) => stepInEpoch + 1 == StepsPerEpoch;

    /// <summary>The samples of the batch at a step of an epoch.</summary>
    public int BatchSamples(int stepInEpoch) => Math.Min(Batch, SampleCount - (stepInEpoch * Batch));

    /// <summary>The slices of the batch at a step of an epoch.</summary>
    public int SliceCount(int stepInEpoch) => SlicesOf(BatchSamples(stepInEpoch));

    /// <summary>The slices of <paramref name="samples"/> samples; the last may be short.</summary>
    public int SlicesOf(int samples) => CeilingDivide(samples, Slice);

    /// <summary>How many samples a range of slices holds, out of <paramref name="samples"/>.</summary>
    public int SamplesIn(SliceRange slices, int samples) => (int)(Math.Min((long)slices.End * Slice, samples) - ((long)slices.First * Slice));

    private static int CeilingDivide(int value, int divisor) => (int)(((long)value + divisor - 1) / divisor);
}

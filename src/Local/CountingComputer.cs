using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Local;

/// <summary>Counts the training samples that one worker computes, through all lives of its actor.</summary>
internal sealed class WorkerCount(string name)
{
    private long samples;

    public string Name { get; } = name;

    public long Samples => Interlocked.Read(ref samples);

    public void Add(long count) => Interlocked.Add(ref samples, count);
}

/// <summary>A shard computer that keeps count.</summary>
internal sealed class CountingComputer(IShardComputer inner, WorkerCount count, TrainingPlan plan) : IShardComputer
{
    public ShardResult Compute(ShardWork work, ParameterHandle parameters, IGradientSource gradients)
    {
        ShardResult result = inner.Compute(work, parameters, gradients);
        if (work.Phase == RunPhase.Training)
        {
            count.Add(plan.SamplesIn(work.Slices, work.SampleCount));
        }

        return result;
    }

    public void Dispose() => inner.Dispose();
}

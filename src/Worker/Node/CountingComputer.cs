using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Worker.Node;

/// <summary>Counts the training samples that a worker process computes, through all its sessions and runs.</summary>
internal sealed class SampleCount
{
    private long samples;

    public long Samples => Interlocked.Read(ref samples);

    public void Add(long count) => Interlocked.Add(ref samples, count);
}

/// <summary>A shard computer that keeps count.</summary>
internal sealed class CountingComputer(IShardComputer inner, SampleCount count, TrainingPlan plan) : IShardComputer
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

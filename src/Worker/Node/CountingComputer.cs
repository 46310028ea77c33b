using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Worker.Node;

/// <summary>Counts what a worker process computes, through all its sessions and runs, and what it allocates on the managed heap meanwhile.</summary>
internal sealed class SampleCount
{
    private const int WarmUpShards = 50;

    private long samples;
    private long shards;
    private long allocatedBefore;
    private long allocatedAfter;

    public long Samples => Volatile.Read(ref samples);

    /// <summary>Managed bytes that all threads of the process allocated from one training shard to the next, on average; the first ones, which compile code and fill pools, left out.</summary>
    public double AllocatedBytesPerShard => shards > WarmUpShards ? (allocatedAfter - allocatedBefore) / (double)(shards - WarmUpShards) : 0;

    /// <summary>A training shard was computed. On the compute thread.</summary>
    public void Add(long count)
    {
        Volatile.Write(ref samples, samples + count);
        allocatedAfter = GC.GetTotalAllocatedBytes();
        if (++shards == WarmUpShards)
        {
            allocatedBefore = allocatedAfter;
        }
    }
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

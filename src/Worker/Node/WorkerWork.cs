using DistNet.Data;
using DistNet.Jobs;
using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Training;
using DistNet.Worker.Data;

namespace DistNet.Worker.Node;

/// <summary>What a worker process keeps over its sessions: the data, the setup of the run, the engine and its thread. Another run takes their place.</summary>
internal sealed class WorkerWork(WorkerNodeOptions options) : IDisposable
{
    private readonly WorkerData data = new(options.Data);
    private readonly SampleCount samples = new();
    private Prepared? prepared;

    /// <summary>Training samples computed so far.</summary>
    public long Samples => samples.Samples;

    /// <summary>Managed bytes allocated for each training shard.</summary>
    public double AllocatedBytesPerShard => samples.AllocatedBytesPerShard;

    /// <summary>Makes ready for a run: at once where the session before was of the same one.</summary>
    /// <param name="description">The run as the coordinator describes it.</param>
    /// <param name="fetcher">Asks the coordinator for data.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DistNetException">The data cannot be had, or this worker would compute something else than the coordinator means.</exception>
    public async Task<Prepared> PrepareAsync(RunDescription description, IDataFetcher fetcher, CancellationToken cancellationToken)
    {
        if (prepared?.SetupHash == description.SetupHash)
        {
            return prepared;
        }

        prepared?.Dispose();
        prepared = null;
        Job job = JobFile.FromJson(description.JobJson, source: "the coordinator's job");
        LoadedData loaded = await data.PrepareAsync(
            job,
            description.Data,
            fetcher,
            sentence => options.Observer?.OnMessage(sentence),
            sentence => options.Observer?.OnWarning(sentence),
            cancellationToken).ConfigureAwait(false);
        RunSetup setup = await OwnThread.Run("distnet-setup", () => RunSetup.Create(job, loaded, description.JobJson)).ConfigureAwait(false);
        string hash = SetupHash.Of(setup);
        if (hash != description.SetupHash || setup.Graph.Layout.ArenaLength != description.ArenaLength)
        {
            throw DistNetException.BadInput(
                $"This worker's setup of the run ({hash[..12]}…) is not the coordinator's ({description.SetupHash[..12]}…): it would compute other gradients; expected the same DistNet and the same data on both.");
        }

        VectorUnit unit = options.Unit ?? VectorUnit.Widest;
        var compute = new WorkerCompute(options.Name, () => new CountingComputer(new ShardComputer(setup, options.Threads, unit, options.Name), samples, setup.Plan));
        return prepared = new Prepared(hash, compute, new GradientPool(description.ArenaLength), SharedMemorySizes.Of(setup));
    }

    /// <summary>Ends the compute thread after the shard under way; does not wait.</summary>
    public void Dispose() => prepared?.Dispose();

    /// <summary>A run made ready.</summary>
    /// <param name="SetupHash">The hash of all that decides its bits.</param>
    /// <param name="Compute">The engine on its thread.</param>
    /// <param name="Gradients">Where gradients are computed that travel over gRPC.</param>
    /// <param name="Sizes">The memory that it would share.</param>
    internal sealed record Prepared(string SetupHash, WorkerCompute Compute, GradientPool Gradients, SharedMemorySizes Sizes) : IDisposable
    {
        public void Dispose() => Compute.Dispose();
    }
}

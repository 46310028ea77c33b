using System.Diagnostics.CodeAnalysis;
using DistNet.Protocol;
using DistNet.Protocol.Plane;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;

namespace DistNet.Coordinator.Plane;

/// <summary>A coordinator's shared memory: the parameters, for its whole life, and a file of gradients for each session.</summary>
/// <remarks>The parameters keep their name as long as the coordinator lives, as a worker may come at any time; a killed coordinator leaves that one file, which
/// the next one of the same user removes. A session's file loses its name as soon as its worker has answered.</remarks>
public sealed class SharedMemoryHost : ISharedMemoryHost
{
    private readonly string folder;
    private readonly RunId run;
    private readonly int term;
    private readonly SharedMemorySizes sizes;
    private readonly string parametersFile;
    private readonly Action<string>? warn;
    private readonly SharedParameters parameters;
    private AnswerReader? answers;
    private int warned;

    private SharedMemoryHost(string folder, RunId run, int term, SharedMemorySizes sizes, string parametersFile, SharedParameters parameters, Action<string>? warn)
    {
        this.folder = folder;
        this.run = run;
        this.term = term;
        this.sizes = sizes;
        this.parametersFile = parametersFile;
        this.parameters = parameters;
        this.warn = warn;
    }

    /// <summary>The memory that the run's update must keep the parameters in.</summary>
    public ParameterMemory Parameters => parameters.Memory;

    /// <summary>Removes what killed coordinators left, and makes the parameters' memory.</summary>
    /// <param name="run">The run.</param>
    /// <param name="term">This life of the coordinator.</param>
    /// <param name="sizes">How much: <see cref="SharedMemorySizes.Of"/>.</param>
    /// <param name="host">The memory.</param>
    /// <param name="sentence">Why there is none; then gRPC carries the tensors.</param>
    /// <param name="warn">Told, once, when a session's memory cannot be had.</param>
    /// <param name="folder">Where.</param>
    public static bool TryCreate(
        RunId run,
        int term,
        SharedMemorySizes sizes,
        [NotNullWhen(true)] out SharedMemoryHost? host,
        [NotNullWhen(false)] out string? sentence,
        Action<string>? warn = null,
        string? folder = null)
    {
        folder ??= SharedMemoryFolder.Default;
        SharedMemoryFolder.RemoveAbandoned(folder);
        string name = SharedMemoryFolder.NewName(run, term);
        try
        {
            host = new SharedMemoryHost(folder, run, term, sizes, name, SharedParameters.Create(Path.Combine(folder, name), sizes), warn);
            sentence = null;
            return true;
        }
        catch (Exception refused) when (WriteFailure.Is(refused))
        {
            host = null;
            sentence = $"Shared memory is not used: {SharedParameters.Bytes(sizes)} bytes for the parameters cannot be had in {folder}: {WriteFailure.Words(refused)}.";
            return false;
        }
    }

    /// <inheritdoc/>
    public void Read(Action<Guid, ShardDone> answered, Action<Guid, string> broken)
    {
        if (parameters.Bell.TryListen())
        {
            answers = new AnswerReader(parameters.Bell, answered, broken);
        }
    }

    /// <summary>Makes the memory of a new session.</summary>
    /// <remarks>Offered to every worker, whatever its address: containers and network namespaces of one machine have addresses of their own and may share
    /// memory all the same. Where they do not, the worker finds no such file, and the little memory that was taken is given back at once.</remarks>
    /// <param name="attendance">The attendance.</param>
    /// <param name="threads">The worker's compute threads.</param>
    /// <returns>Null where it cannot be had; then gRPC carries the session's tensors.</returns>
    public ISharedMemoryOffer? Offer(Guid attendance, int threads)
    {
        string name = SharedMemoryFolder.NewName(run, term);
        try
        {
            SharedGradients gradients = SharedGradients.Create(Path.Combine(folder, name), sizes.ArenaLength, sizes.Slots, parameters.Nonce);
            SharedMemoryPaths paths = new(parametersFile, name, gradients.Nonce, SharedParameters.Bytes(sizes), SharedGradients.Bytes(sizes.ArenaLength, sizes.Slots));
            return new SharedSession(attendance, threads, gradients, paths, answers);
        }
        catch (Exception refused) when (WriteFailure.Is(refused))
        {
            if (Interlocked.Exchange(ref warned, 1) == 0)
            {
                warn?.Invoke($"Shared memory is not used for a worker, as its gradients cannot be had in {folder}: {WriteFailure.Words(refused)}.");
            }

            return null;
        }
    }

    /// <inheritdoc/>
    public void LetStand(long version) => parameters.LetStand(version);

    /// <summary>Nothing where the update keeps them in <see cref="Parameters"/>: the workers read them there. Those of a run that keeps them elsewhere are copied.</summary>
    public void Publish(ParameterHandle parameters)
    {
        answers?.BeginStep();
        this.parameters.Publish(parameters);
    }

    /// <summary>Takes the parameters' name away. Their memory stays as long as the run keeps them.</summary>
    public void Dispose()
    {
        answers?.Dispose();
        parameters.Unlink();
    }
}

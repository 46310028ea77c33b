using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Actors.Tests;

/// <summary>The coordinator's end of a plane to other hosts, in the hands of the test; gradients still pass inside the process.</summary>
internal sealed class RemotePlane(InProcessPlane inner) : ICoordinatorPlane
{
    public ConcurrentDictionary<Guid, bool> Dead { get; } = new();

    /// <summary>What <see cref="ICoordinatorPlane.HostOf"/> tells of everyone; empty: workers of this process, which do not beat.</summary>
    public string Host { get; set; } = "";

    public ConcurrentQueue<(Guid Incarnation, string Sentence)> Ends { get; } = new();

    public ConcurrentQueue<long> Published { get; } = new();

    public ImmutableArray<long> Holds { get; set; } = [];

    public Exception? Full { get; set; }

    public bool IsLive(Guid incarnation) => !Dead.ContainsKey(incarnation);

    public string HostOf(Guid incarnation) => Host;

    public bool TryTake(Guid incarnation, long ticket, [NotNullWhen(true)] out GradientLease? lease) => inner.TryTake(incarnation, ticket, out lease);

    public ImmutableArray<long> Held(Guid incarnation) => Holds;

    public bool OrdersStand(Guid incarnation) => false;

    public void LetStand(long version) => inner.LetStand(version);

    public void Publish(ParameterHandle parameters)
    {
        if (Full is { } failure)
        {
            throw failure;
        }

        Published.Enqueue(parameters.Version);
        inner.Publish(parameters);
    }

    public void End(Guid incarnation, string sentence)
    {
        Dead[incarnation] = true;
        Ends.Enqueue((incarnation, sentence));
        inner.End(incarnation, sentence);
    }

    public void Dispose() => inner.Dispose();
}

/// <summary>An actor on another host: what it is told goes to a probe.</summary>
internal sealed class RemoteRef(string address, IActorRef told) : MinimalActorRef
{
    public override ActorPath Path { get; } = new RootActorPath(Address.Parse(address)) / "user" / "worker";

    public override IActorRefProvider Provider => throw new NotSupportedException();

    protected override void TellInternal(object message, IActorRef sender) => told.Tell(message, sender);
}

/// <summary>A worker's end of the plane that a test can break, block and watch.</summary>
internal sealed class HookedPlane(IWorkerPlane inner) : IWorkerPlane
{
    public Action? OnFetch { get; init; }

    public Action? OnDeliver { get; init; }

    public Action<ImmutableArray<long>>? OnRelease { get; init; }

    public Func<ShardDone, bool>? OnAnswer { get; init; }

    public Action? OnDispose { get; init; }

    public string Transport => inner.Transport;

    public bool OrdersStand => inner.OrdersStand;

    public bool Stands(long version) => inner.Stands(version);

    public GradientLease Lease() => inner.Lease();

    public ParameterHandle Fetch(long version, CancellationToken unwanted)
    {
        OnFetch?.Invoke();
        return inner.Fetch(version, unwanted);
    }

    public ImmutableArray<AnsweredNode> Deliver(Fence fence, ShardResult result)
    {
        try
        {
            OnDeliver?.Invoke();
        }
        catch
        {
            Leases.Return(result);
            throw;
        }

        return inner.Deliver(fence, result);
    }

    public bool TryAnswer(ShardDone answer) => OnAnswer?.Invoke(answer) ?? inner.TryAnswer(answer);

    public void ReleaseExcept(ImmutableArray<long> held)
    {
        OnRelease?.Invoke(held);
        inner.ReleaseExcept(held);
    }

    public void Dispose()
    {
        OnDispose?.Invoke();
        inner.Dispose();
    }
}

using Akka.Actor;
using DistNet.Protocol;
using Xunit;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>The end of an actor system: a worker that seeks its coordinator again waits for that of its last session.</summary>
public sealed class ControlHostTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_system_that_does_not_end_is_left()
    {
        using ManualResetEventSlim mayEnd = new();
        ControlHost host = await ControlHost.StartAsync(akka => akka.AddDistNetControl());
        ActorSystem system = host.System;
        system.ActorOf(Props.Create(() => new Lingering(mayEnd)));
        await host.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.False(system.WhenTerminated.IsCompleted);
        mayEnd.Set();
        await system.WhenTerminated.WaitAsync(Patience);
    }

    private sealed class Lingering(ManualResetEventSlim mayEnd) : ReceiveActor
    {
        protected override void PostStop() => mayEnd.Wait(Patience + Patience);
    }
}

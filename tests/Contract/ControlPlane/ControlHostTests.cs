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

    [Fact]
    public async Task A_system_that_has_ended_leaves_no_thread_of_its_dispatchers()
    {
        List<Thread> threads = [];
        await using (ControlHost host = await ControlHost.StartAsync(akka => akka.AddDistNetControl()))
        {
            foreach (string dispatcher in new[] { ControlConfiguration.Dispatcher, "akka.actor.default-dispatcher", "akka.actor.internal-dispatcher" })
            {
                threads.Add(await host.System.ActorOf(Props.Create(() => new Naming()).WithDispatcher(dispatcher)).Ask<Thread>("which?", Patience));
            }
        }

        Assert.All(threads, thread => Assert.True(thread.Join(Patience), thread.Name));
    }

    private sealed class Lingering(ManualResetEventSlim mayEnd) : ReceiveActor
    {
        protected override void PostStop() => mayEnd.Wait(Patience + Patience);
    }

    private sealed class Naming : ReceiveActor
    {
        public Naming() => ReceiveAny(_ => Sender.Tell(Thread.CurrentThread));
    }
}

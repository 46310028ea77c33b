using System.Globalization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using Akka.Remote;
using DistNet.Protocol.Transport;

namespace DistNet.Protocol;

/// <summary>The actor system's configuration where it is part of a cluster, on top of <see cref="ControlConfiguration"/>; tests use the same.</summary>
/// <remarks>Membership is a hint: who works is decided by the liveness streams and by the run machine. So nothing here is fast to condemn, and nothing here can
/// take the coordinator down.</remarks>
public static class ClusterConfiguration
{
    /// <summary>The role of the coordinator.</summary>
    public const string CoordinatorRole = "coordinator";

    /// <summary>The role of a worker.</summary>
    public const string WorkerRole = "worker";

    /// <summary>The largest frame; a control message is at most <see cref="ControlLimits.MessageBytes"/>, the rest is for Akka's gossip.</summary>
    public const int FrameBytes = 128_000;

    /// <summary>What all nodes have in common, as HOCON.</summary>
    public const string Hocon = """
        akka {
          log-serializer-override-on-start = off   # ours are meant
          actor {
            provider = cluster
            serialization-settings.allow-unregistered-types = off  # a message without a serializer of its own is an error, never JSON
          }
          remote {
            use-dispatcher = "distnet.control-dispatcher"  # from the wire to the actor without a switch of threads: measured, a quarter of a message there and back
            untrusted-mode = on              # peers may not stop, kill or create our actors
            trusted-selection-paths = [      # what peers may address by path
              "/system/cluster/core/daemon", "/system/cluster/heartbeatReceiver", "/system/cluster/core/daemon/joinSeedNodeProcess", "/user/coordinator"
            ]
            retry-gate-closed-for = 300ms    # a peer that could not be reached is tried again soon
            backoff-interval = 50ms          # so is a write that the socket refused
            command-ack-timeout = 5s
            shutdown-timeout = 3s
            flush-wait-on-shutdown = 500ms
            startup-timeout = 10s
            transport-failure-detector {     # dead connections show in the liveness streams long before
              heartbeat-interval = 4s
              acceptable-heartbeat-pause = 20s
            }
            watch-failure-detector {
              heartbeat-interval = 1s
              acceptable-heartbeat-pause = 10s
            }
            enabled-transports = ["akka.remote.distnet"]
            distnet {
              transport-class = "DistNet.Protocol.Transport.ControlTransport, DistNet.Protocol"
              transport-protocol = tcp
              applied-adapters = []
              connections = 2112             # two for each worker that a run can have, and what strangers open until they are turned away
              open-within = 5s
            }
          }
          cluster {
            use-dispatcher = "distnet.control-dispatcher"    # as remoting's: gossip and heartbeats go from the wire to the wire on one thread
            log-info = off
            log-info-verbose = off
            periodic-tasks-initial-delay = 200ms
            gossip-interval = 200ms
            leader-actions-interval = 200ms
            unreachable-nodes-reaper-interval = 500ms
            allow-weakly-up-members = 1s     # a new worker does not wait for one that is lost
            seed-node-timeout = 1s
            retry-unsuccessful-join-after = 1s
            run-coordinated-shutdown-when-down = off
            downing-provider-class = "DistNet.Protocol.CoordinatorDowning, DistNet.Protocol"
            failure-detector {               # a hint, that may be wrong: CoordinatorDowning has the patience
              heartbeat-interval = 1s
              threshold = 12.0
              acceptable-heartbeat-pause = 3s
              expected-response-after = 3s
            }
          }
        }
        """;

    /// <summary>Makes the actor system a node of a cluster: remoting, membership, strict serialization, TLS. Call <see cref="ControlConfiguration.AddDistNetControl"/> first.</summary>
    /// <param name="builder">The actor system under construction; its name is <see cref="ControlHost.SystemName"/>.</param>
    /// <param name="options">Where it listens and whom it joins.</param>
    /// <exception cref="DistNetException">An address is wrong.</exception>
    public static AkkaConfigurationBuilder AddDistNetCluster(this AkkaConfigurationBuilder builder, ClusterNodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        builder.AddHocon(Hocon, HoconAddMode.Prepend);
        builder.AddHocon(NodeHocon(options), HoconAddMode.Prepend);
        builder.AddSetup(StrictSerialization.Setup);
        if (options.Tls is { } tls)
        {
            builder.AddSetup(new ControlTls(tls, options.SeedAddress?.Host));
        }

        return builder.AddStartup((system, _) =>
        {
            if (options.Role == ClusterRole.Coordinator)
            {
                Cluster cluster = Cluster.Get(system);
                cluster.Join(cluster.SelfAddress);
            }
        });
    }

    /// <summary>The address by which others reach a node's actor system, as <see cref="ClusterNodeOptions.Seed"/> wants it.</summary>
    /// <param name="system">The actor system.</param>
    public static string ControlAddress(ActorSystem system) => Cluster.Get(system).SelfAddress.ToString();

    /// <summary>Takes a member out of the cluster at once: what it still sends is refused, and it needs a new actor system to come back. Never the caller itself.</summary>
    /// <param name="system">The coordinator's actor system.</param>
    /// <param name="address">The member's address, as the sender of its messages has it; one that is no member is left alone.</param>
    public static void Down(ActorSystem system, Address address)
    {
        Cluster cluster = Cluster.Get(system);
        Member? member = cluster.State.Members.FirstOrDefault(member => member.Address == address);
        if (member is not null && address != cluster.SelfAddress)
        {
            // Akka removes who is down and not heard any more. The quarantine says so at once, where the failure detector would take seconds.
            cluster.Down(address);
            ((IRemoteActorRefProvider)((ExtendedActorSystem)system).Provider).Quarantine(address, member.UniqueAddress.Uid);
        }
    }

    /// <summary>Completed when this node is no member any more, because it left or was taken out, or when its actor system has ended: what comes next needs a new one.</summary>
    /// <param name="system">The worker's actor system.</param>
    public static Task WhenRemoved(ActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        var removed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Cluster.Get(system).RegisterOnMemberRemoved(() => removed.TrySetResult());
        system.EventStream.Subscribe(system.ActorOf(Props.Create(() => new QuarantineWatch(removed))), typeof(ThisActorSystemQuarantinedEvent));
        return Task.WhenAny(removed.Task, system.WhenTerminated);
    }

    /// <summary>Leaves the cluster; completed when all know, or when the time is over.</summary>
    /// <param name="system">The worker's actor system, to be ended next.</param>
    /// <param name="most">The longest wait.</param>
    public static async Task LeaveAsync(ActorSystem system, TimeSpan most)
    {
        Cluster cluster = Cluster.Get(system);
        cluster.Leave(cluster.SelfAddress);
        using var limit = new CancellationTokenSource(most);
        while (!cluster.IsTerminated && cluster.SelfMember.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up or MemberStatus.Leaving && !limit.IsCancellationRequested)
        {
            await Task.Delay(20, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static string NodeHocon(ClusterNodeOptions options)
    {
        bool coordinates = options.Role == ClusterRole.Coordinator;
        Address? seed = options.SeedAddress;
        return string.Create(CultureInfo.InvariantCulture, $$"""
            akka.remote.distnet {
              hostname = "{{options.BindHost.Trim('[', ']')}}"
              port = {{options.BindPort}}
              public-hostname = "{{options.AdvertisedHost.Trim('[', ']')}}"
              public-port = {{options.PublicPort}}
            }
            akka.cluster {
              roles = [{{(coordinates ? CoordinatorRole : WorkerRole)}}]
              seed-nodes = [{{(seed is null ? "" : $"\"{seed}\"")}}]
              failure-detector.monitored-by-nr-of-members = {{(coordinates ? 1024 : 1)}}  # the coordinator hears everyone; workers need not hear each other
            }
            """);
    }

    private sealed class QuarantineWatch : ReceiveActor
    {
        public QuarantineWatch(TaskCompletionSource removed) => Receive<ThisActorSystemQuarantinedEvent>(_ => removed.TrySetResult());
    }
}

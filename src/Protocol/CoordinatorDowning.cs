using Akka.Actor;
using Akka.Cluster;
using Akka.Dispatch;
using Akka.Event;

namespace DistNet.Protocol;

/// <summary>Who is taken out of the cluster when it is not heard: workers, by the coordinator, and nobody else by nobody.</summary>
/// <remarks>A cluster is where its coordinator is, so there is no split brain to resolve, and none of Akka's strategies fits: all of them, keep-oldest too, take the oldest
/// down when it and a worker do not hear each other while a third hears both, or when the cluster is unstable for long. A worker that does not hear the coordinator ends its
/// session by the liveness stream. As a rule the coordinator takes a worker out when its session ends; this here is for members that never had one.</remarks>
public sealed class CoordinatorDowning : IDowningProvider
{
    /// <summary>How long a member may be silent after the failure detector gave it up, which takes some five seconds: the liveness stream decides long before, and a
    /// machine whose cores all compute is not a lost one.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private readonly Cluster cluster;

    /// <summary>Made by Akka.</summary>
    /// <param name="system">The actor system.</param>
    /// <param name="cluster">Its cluster.</param>
    public CoordinatorDowning(ActorSystem system, Cluster cluster)
    {
        ArgumentNullException.ThrowIfNull(system);
        this.cluster = cluster;
    }

    /// <summary>Nothing here waits for the parts of a lost node to stop.</summary>
    public TimeSpan DownRemovalMargin => TimeSpan.Zero;

    /// <summary>On the coordinator an actor that looks for silent members; on a worker nothing.</summary>
    public Props? DowningActorProps => cluster.Settings.Roles.Contains(ClusterConfiguration.CoordinatorRole) ? Props.Create(() => new Watch(cluster)) : null;

    private sealed class Watch : ReceiveActor, IWithTimers, IRequiresMessageQueue<IUnboundedMessageQueueSemantics>
    {
        private readonly Dictionary<UniqueAddress, TimeSpan> silent = [];
        private readonly Cluster cluster;

        public Watch(Cluster cluster)
        {
            this.cluster = cluster;
            Receive<Look>(_ => OnLook(Context.System.Scheduler.MonotonicClock));
        }

        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Look), Look.Instance, TimeSpan.FromSeconds(1));

        // The failure detector is our own: that workers do not reach each other is nothing to us.
        private void OnLook(TimeSpan now)
        {
            foreach (Member member in cluster.State.Members)
            {
                if (member.Address == cluster.SelfAddress || cluster.FailureDetector.IsAvailable(member.Address))
                {
                    silent.Remove(member.UniqueAddress);
                }
                else if (!silent.TryGetValue(member.UniqueAddress, out TimeSpan since))
                {
                    silent.Add(member.UniqueAddress, now);
                }
                else if (now - since >= Patience && member.Status != MemberStatus.Down)
                {
                    Context.GetLogger().Info("{0} was not heard for {1} s: taken out of the cluster", member.Address, (int)(now - since).TotalSeconds);
                    ClusterConfiguration.Down(Context.System, member.Address);
                }
            }

            Forget();
        }

        private void Forget()
        {
            var members = new HashSet<UniqueAddress>();
            foreach (Member member in cluster.State.Members)
            {
                members.Add(member.UniqueAddress);
            }

            foreach (UniqueAddress gone in silent.Keys.Where(address => !members.Contains(address)).ToArray())
            {
                silent.Remove(gone);
            }
        }

        private sealed class Look : INoSerializationVerificationNeeded
        {
            public static readonly Look Instance = new();
        }
    }
}

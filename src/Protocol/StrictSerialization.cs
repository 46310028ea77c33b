using System.Collections.Frozen;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster.Serialization;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Serialization;
using Akka.Serialization;
using Akka.Util;

namespace DistNet.Protocol;

/// <summary>What may leave and enter the process: control messages, and those of Akka's own messages that a cluster of ours needs. Everything else is an error on
/// either side; no serializer that loads types by names from the wire is left.</summary>
internal static class StrictSerialization
{
    private static readonly string[] ClusterManifests =
    [
        "Akka.Cluster.InternalClusterAction+Join, Akka.Cluster",
        "Akka.Cluster.InternalClusterAction+Welcome, Akka.Cluster",
        "Akka.Cluster.InternalClusterAction+InitJoin, Akka.Cluster",
        "Akka.Cluster.InternalClusterAction+InitJoinAck, Akka.Cluster",
        "Akka.Cluster.InternalClusterAction+InitJoinNack, Akka.Cluster",
        "Akka.Cluster.InternalClusterAction+ExitingConfirmed, Akka.Cluster",
        "Akka.Cluster.GossipStatus, Akka.Cluster",
        "Akka.Cluster.GossipEnvelope, Akka.Cluster",
        "HB",
        "HBR",
    ];

    // Identify and ActorIdentity; the heartbeat of remote death watch and its answer. Not among them: Status.Failure, which would load an exception's type.
    private static readonly string[] MiscManifests = ["ID", "AID", "RWHB", "RWHR"];

    private static readonly Type[] SystemMessages = [typeof(Watch), typeof(Unwatch), typeof(DeathWatchNotification)];

    // Akka's serializers by the name and the number that its configuration gives them.
    public static SerializationSetup Setup => SerializationSetup.Create(system =>
    [
        SerializerDetails.Create("distnet-control", new ControlSerializer(system), [.. ControlSerializer.Types]),
        Guarded("akka-cluster", system, 5, new ClusterMessageSerializer(system), ClusterManifests),
        Guarded("akka-containers", system, 6, new MessageContainerSerializer(system), [""]),
        Guarded("akka-misc", system, 16, new MiscMessageSerializer(system), MiscManifests),
        Guarded("akka-system-msg", system, 22, new SystemMessageSerializer(system), [.. SystemMessages.Select(type => type.TypeQualifiedName())]),
        Refused("json", system, 1),
        Refused("proto", system, 2),
        Refused("daemon-create", system, 3),
        Refused("bytes", system, 4),
        Refused("primitive", system, 17),
        Refused("reliable-delivery", system, 36),
    ]);

    private static SerializerDetails Guarded(string name, ExtendedActorSystem system, int identifier, Serializer inner, string[] manifests) =>
        SerializerDetails.Create(name, new GuardedSerializer(system, identifier, inner, manifests), []);

    private static SerializerDetails Refused(string name, ExtendedActorSystem system, int identifier) =>
        SerializerDetails.Create(name, new GuardedSerializer(system, identifier, inner: null, []), []);

    /// <summary>One of Akka's serializers for some of its messages alone.</summary>
    private sealed class GuardedSerializer(ExtendedActorSystem system, int identifier, Serializer? inner, string[] manifests) : SerializerWithStringManifest(system)
    {
        // A selection holds a message, which may be an Identify, which may hold an identifier. A peer could nest them until the stack overflows, which no handler survives.
        private const int DeepestNesting = 3;

        [ThreadStatic]
        private static int nesting;

        private readonly FrozenSet<string> allowed = manifests.ToFrozenSet(StringComparer.Ordinal);

        public override int Identifier => identifier;

        public override string Manifest(object o)
        {
            string manifest = inner switch
            {
                SerializerWithStringManifest named => named.Manifest(o),
                { IncludeManifest: true } => o.GetType().TypeQualifiedName(),
                _ => "",
            };
            return allowed.Contains(manifest) ? manifest : throw MayNotLeave(o);
        }

        public override byte[] ToBinary(object obj)
        {
            _ = Manifest(obj);
            return inner!.ToBinary(obj);
        }

        public override object FromBinary(byte[] bytes, string? manifest)
        {
            string name = manifest ?? "";
            if (inner is null || !allowed.Contains(name))
            {
                throw new SerializationException($"a message of serializer {identifier} with manifest '{ControlText.Shown(name, 100)}' is not accepted from other processes");
            }

            if (nesting >= DeepestNesting)
            {
                throw new SerializationException($"a message is nested more than {DeepestNesting} deep");
            }

            nesting++;
            try
            {
                return inner switch
                {
                    SerializerWithStringManifest named => named.FromBinary(bytes, name),
                    { IncludeManifest: true } => inner.FromBinary(bytes, SystemMessages.First(type => type.TypeQualifiedName() == name)),
                    _ => inner.FromBinary<ActorSelectionMessage>(bytes),
                };
            }
            finally
            {
                nesting--;
            }
        }

        private static SerializationException MayNotLeave(object message) =>
            new($"a message of type {message.GetType().Name} may not leave the process: control messages alone do");
    }
}

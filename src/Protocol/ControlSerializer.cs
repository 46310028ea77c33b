using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;

namespace DistNet.Protocol;

/// <summary>Writes and reads the control messages of protos/control.proto; the only serializer of our own messages. A message that is not as it must be is a
/// <see cref="SerializationException"/>, which costs that message and nothing else.</summary>
/// <param name="system">The actor system that it belongs to.</param>
public sealed class ControlSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>This serializer's number on the wire; up to 40 they are Akka's.</summary>
    public const int Number = 1001;

    private static readonly ImmutableDictionary<Type, string> Manifests = ImmutableDictionary.CreateRange<Type, string>(
    [
        new(typeof(RegisterWorker), "RW"),
        new(typeof(Welcome), "WE"),
        new(typeof(ComputeShard), "CS"),
        new(typeof(WithdrawShard), "WS"),
        new(typeof(ShardDone), "SD"),
        new(typeof(ShardNotDone), "SN"),
        new(typeof(Goodbye), "GB"),
        new(typeof(SessionEnded), "SE"),
        new(typeof(RunEnded), "RE"),
    ]);

    /// <summary>All messages that may leave the process.</summary>
    public static IEnumerable<Type> Types => Manifests.Keys;

    /// <inheritdoc/>
    public override int Identifier => Number;

    /// <inheritdoc/>
    public override string Manifest(object o)
    {
        ArgumentNullException.ThrowIfNull(o);
        return Manifests.TryGetValue(o.GetType(), out string? manifest) ? manifest : throw new SerializationException($"a message of type {o.GetType().Name} may not leave the process: control messages alone do");
    }

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        string manifest = Manifest(obj);
        byte[] bytes = Write(obj);

        // What we send must be what we would take: a message that the other end drops would leave it waiting.
        _ = Read(bytes, manifest);
        return bytes;
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string? manifest) => Read(bytes, manifest);

    /// <summary>An answer as it goes through shared memory: the same bytes. One that the other end would not take ends the session there.</summary>
    public static byte[] WriteAnswer(ShardDone answer) => Write(answer);

    /// <summary>An answer from shared memory.</summary>
    /// <exception cref="SerializationException">It is none.</exception>
    public static ShardDone ReadAnswer(byte[] bytes) => (ShardDone)Read(bytes, Manifests[typeof(ShardDone)]);

    private static byte[] Write(object message)
    {
        byte[] bytes = ControlWriter.ToWire(message).ToByteArray();
        Invariant.Holds(bytes.Length <= ControlLimits.MessageBytes);
        return bytes;
    }

    private static object Read(byte[] bytes, string? manifest)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.Length > ControlLimits.MessageBytes)
        {
            throw new SerializationException($"a message of {bytes.Length} bytes is refused; none is larger than {ControlLimits.MessageBytes}");
        }

        try
        {
            return manifest switch
            {
                "RW" => Read(Parse(ControlWire.RegisterWorker.Parser, bytes)),
                "WE" => Read(Parse(ControlWire.Welcome.Parser, bytes)),
                "CS" => Read(Parse(ControlWire.ComputeShard.Parser, bytes)),
                "WS" => Read(Parse(ControlWire.WithdrawShard.Parser, bytes)),
                "SD" => Read(Parse(ControlWire.ShardDone.Parser, bytes)),
                "SN" => Read(Parse(ControlWire.ShardNotDone.Parser, bytes)),
                "GB" => Read(Parse(ControlWire.Goodbye.Parser, bytes)),
                "SE" => Read(Parse(ControlWire.SessionEnded.Parser, bytes)),
                "RE" => Read(Parse(ControlWire.RunEnded.Parser, bytes)),
                _ => throw new SerializationException($"a message with manifest '{ControlText.Shown(manifest ?? "", 20)}' is refused: there is none"),
            };
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new SerializationException($"a message with manifest '{manifest}' is refused: its bytes are no such message", error);
        }
    }

    private static T Parse<T>(MessageParser<T> parser, byte[] bytes)
        where T : IMessage<T> => parser.WithDiscardUnknownFields(true).ParseFrom(bytes);

    private static RegisterWorker Read(ControlWire.RegisterWorker wire)
    {
        var reader = new ControlReader(nameof(RegisterWorker));
        return new(reader.Worker(wire.Worker), reader.Identifier(wire.Incarnation, "incarnation"), reader.Threads(wire.Threads), reader.Membership(wire.Membership));
    }

    private static Welcome Read(ControlWire.Welcome wire)
    {
        var reader = new ControlReader(nameof(Welcome));
        return new(reader.Membership(wire.Membership), reader.Identifier(wire.Incarnation, "incarnation"));
    }

    private static ComputeShard Read(ControlWire.ComputeShard wire)
    {
        var reader = new ControlReader(nameof(ComputeShard));
        return new(reader.Fence(wire.Fence), reader.Work(wire.Work), reader.Version(wire.Version), reader.Held(wire.Held));
    }

    private static WithdrawShard Read(ControlWire.WithdrawShard wire)
    {
        var reader = new ControlReader(nameof(WithdrawShard));
        return new(reader.Fence(wire.Fence), reader.Slices(wire.Slices));
    }

    private static ShardDone Read(ControlWire.ShardDone wire)
    {
        var reader = new ControlReader(nameof(ShardDone));
        return new(reader.Worker(wire.Worker), reader.Fence(wire.Fence), reader.Slices(wire.Slices), reader.Nodes(wire.Nodes), reader.Finding(wire.Finding), reader.Seconds(wire.Seconds));
    }

    private static ShardNotDone Read(ControlWire.ShardNotDone wire)
    {
        var reader = new ControlReader(nameof(ShardNotDone));
        string reason = reader.Text(wire.Reason, ControlLimits.TextLength, "reason");
        return new(reader.Worker(wire.Worker), reader.Fence(wire.Fence), reader.Slices(wire.Slices), reader.Kind(wire.Kind), reason);
    }

    private static Goodbye Read(ControlWire.Goodbye wire)
    {
        var reader = new ControlReader(nameof(Goodbye));
        return new(reader.Worker(wire.Worker), reader.Membership(wire.Membership), reader.Text(wire.Reason, ControlLimits.TextLength, "reason"));
    }

    private static SessionEnded Read(ControlWire.SessionEnded wire)
    {
        var reader = new ControlReader(nameof(SessionEnded));
        return new(reader.Membership(wire.Membership), reader.Text(wire.Sentence, ControlLimits.TextLength, "sentence"));
    }

    private static RunEnded Read(ControlWire.RunEnded wire) => new(new ControlReader(nameof(RunEnded)).Membership(wire.Membership));
}

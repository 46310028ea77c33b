using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Remote.Transport;
using Google.Protobuf;

namespace DistNet.Protocol.Transport;

/// <summary>One connection of the control plane: Akka writes from its actors, a thread of the connection's own reads, and does itself what comes of what it has read (<see cref="Helper"/>).</summary>
internal sealed class ControlConnection : AssociationHandle, IDisposable
{
    private const int LengthBytes = sizeof(int);

    // Control messages are some hundred bytes; gossip may be more.
    private const int UsualBytes = 8_192;

    // Of the largest frames several: what poll(2) calls writable, a third of the buffer, takes one whole.
    private const int SendBufferBytes = 4 * ClusterConfiguration.FrameBytes;

    private readonly Socket socket;
    private readonly Timer limit;
    private readonly Lock writing = new();
    private readonly long most;
    private byte[] frame = new byte[UsualBytes];
    private Stream? stream;
    private bool closed;

    /// <summary>Takes a socket, which need not be connected yet. It is closed when it has not been opened within a time.</summary>
    public ControlConnection(Socket socket, TimeSpan mostToOpen, Address local, Address remote, long mostPayloadBytes)
        : base(local, remote)
    {
        this.socket = socket;
        most = mostPayloadBytes;
        limit = new Timer(_ => Dispose(), null, mostToOpen, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether an exception is the end of a connection, not an error of ours: a certificate that cannot be checked is one, be it the peer's or ours, given back as the node ends.</summary>
    public static bool IsFailure(Exception exception) =>
        exception is IOException or SocketException or ObjectDisposedException or AuthenticationException or CryptographicException or InvalidDataException or OperationCanceledException;

    /// <summary>The socket is connected.</summary>
    /// <param name="secure">Makes the stream that is used from the socket's: shakes hands.</param>
    public void Open(Func<Stream, Stream> secure)
    {
        socket.NoDelay = true;
        socket.SendBufferSize = SendBufferBytes;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        stream = secure(new NetworkStream(socket, ownsSocket: false));
        limit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Reads until the connection ends, and says so.</summary>
    public void Read()
    {
        IHandleEventListener listener = ReadHandlerSource.Task.GetAwaiter().GetResult();
        try
        {
            byte[] buffer = new byte[UsualBytes];
            for (int filled = 0; ;)
            {
                buffer = filled < buffer.Length ? buffer : WithRoom(buffer, 2L * buffer.Length);
                int got = stream!.Read(buffer, filled, buffer.Length - filled);
                if (got == 0)
                {
                    return;
                }

                filled += got;
                int taken;
                using (Helper.Begin())
                {
                    taken = TakeFrames(buffer.AsSpan(0, filled), listener);
                }

                buffer.AsSpan(taken, filled - taken).CopyTo(buffer);
                filled -= taken;
            }
        }
        finally
        {
            listener.Notify(new Disassociated(DisassociateInfo.Unknown));
        }
    }

    /// <summary>Writes a payload, where it can be written at once; Akka tries again soon where it cannot, so that a peer that does not read stops nobody.</summary>
    public override bool Write(ByteString payload)
    {
        lock (writing)
        {
            try
            {
                if (closed || stream is null || payload.Length > most || !socket.Poll(0, SelectMode.SelectWrite))
                {
                    return false;
                }

                frame = WithRoom(frame, payload.Length + LengthBytes);
                BinaryPrimitives.WriteInt32LittleEndian(frame, payload.Length);
                payload.Span.CopyTo(frame.AsSpan(LengthBytes));
                stream.Write(frame, 0, LengthBytes + payload.Length);
                return true;
            }
            catch (Exception failure) when (IsFailure(failure))
            {
                return false;
            }
        }
    }

    /// <summary>Akka ends the connection.</summary>
    [Obsolete("Akka's own method is.")]
    public override void Disassociate() => Dispose();

    /// <summary>Ends the connection, from any thread; its reader comes back.</summary>
    public void Dispose()
    {
        closed = true;
        limit.Dispose();
        socket.Dispose();
        ReadHandlerSource.TrySetCanceled();
    }

    /// <summary>One connection is equal to itself alone.</summary>
    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

    private byte[] WithRoom(byte[] buffer, long bytes)
    {
        if (buffer.Length < bytes)
        {
            Array.Resize(ref buffer, (int)Math.Min(Math.Max(bytes, 2L * buffer.Length), most + LengthBytes));
        }

        return buffer;
    }

    private int TakeFrames(ReadOnlySpan<byte> bytes, IHandleEventListener listener)
    {
        int taken = 0;
        while (bytes.Length - taken >= LengthBytes)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes[taken..]);
            if (length < 1 || length > most)
            {
                throw new InvalidDataException($"A frame of {length} bytes; expected 1 to {most}.");
            }

            if (bytes.Length - taken - LengthBytes < length)
            {
                break;
            }

            listener.Notify(new InboundPayload(ByteString.CopyFrom(bytes.Slice(taken + LengthBytes, length))));
            taken += LengthBytes + length;
        }

        return taken;
    }
}

using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;
using Akka.Remote.Transport;

namespace DistNet.Protocol.Transport;

/// <summary>The control plane's transport: Akka's messages over TCP, or TLS with mutual authentication, by blocking sockets with a thread for each connection.</summary>
/// <remarks>
/// <para>A step is a few small messages between processes that compute: what counts is how soon one arrives, and how little it takes from those who compute. A blocked
/// reader is woken by the kernel alone, and a writer writes by itself. Akka's own transport (DotNetty over asynchronous sockets) needs
/// about six wake-ups a message, some of them of ThreadPool threads, which spin before they sleep. Measured with two workers on two cores, at 6 ms a step: 0.4 ms less processor time a step.</para>
/// <para>On the wire: each of Akka's payloads with its length before it, four bytes, little-endian.</para>
/// <para>It is made by Akka, by the name in <see cref="ClusterConfiguration"/>, from a configuration with <c>hostname</c>, <c>port</c>, <c>public-hostname</c>,
/// <c>public-port</c> (0: the one that is bound), <c>connections</c> (the most at once) and <c>open-within</c> (the longest that connecting and the handshake may take); TLS is a <see cref="ControlTls"/> of the actor system's setup.</para>
/// </remarks>
public sealed class ControlTransport : Akka.Remote.Transport.Transport, IDisposable
{
    private const int Backlog = 256;
    private const int MillisecondsBetweenFailures = 10;

    private readonly TaskCompletionSource<IAssociationEventListener> associationListener = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock gate = new();
    private readonly HashSet<ControlConnection> connections = [];
    private readonly ManualResetEventSlim closed = new();
    private readonly int mostConnections;
    private readonly TimeSpan openWithin;
    private readonly ILoggingAdapter log;
    private readonly ControlTls? tls;
    private Socket? server;
    private Address? local;

    /// <summary>Akka calls this.</summary>
    /// <param name="system">The actor system.</param>
    /// <param name="config">The transport's configuration.</param>
    public ControlTransport(ActorSystem system, Config config)
    {
        ArgumentNullException.ThrowIfNull(system);
        System = system;
        Config = config;
        tls = system.Settings.Setup.Get<ControlTls>() is { HasValue: true } setup ? setup.Value : null;
        SchemeIdentifier = tls is null ? "tcp" : "ssl.tcp";
        MaximumPayloadBytes = ClusterConfiguration.FrameBytes;
        mostConnections = config.GetInt("connections");
        openWithin = config.GetTimeSpan("open-within");
        log = Logging.GetLogger(system, GetType());
    }

    /// <inheritdoc/>
    public override async Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        string host = Config.GetString("hostname");
        int port = Config.GetInt("port");
        try
        {
            IPAddress address = IPAddress.TryParse(host, out IPAddress? literal) ? literal : (await Dns.GetHostAddressesAsync(host).ConfigureAwait(false))[0];
            server = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            server.Bind(new IPEndPoint(address, port));
            server.Listen(Backlog);
        }
        catch (SocketException refused)
        {
            server?.Dispose();
            throw new RemoteTransportException($"Failed to bind to [{host}:{port}].", refused);
        }

        int publicPort = Config.GetInt("public-port");
        local = new Address(SchemeIdentifier, System.Name, Config.GetString("public-hostname"), publicPort != 0 ? publicPort : ((IPEndPoint)server.LocalEndPoint!).Port);
        Start("accept", Accept);
        return (local, associationListener);
    }

    /// <inheritdoc/>
    public override bool IsResponsibleFor(Address remote) => true;

    /// <inheritdoc/>
    public override Task<AssociationHandle> Associate(Address remoteAddress)
    {
        var associated = new TaskCompletionSource<AssociationHandle>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (remoteAddress.Host is not { } host || remoteAddress.Port is not { } port)
        {
            associated.SetException(new InvalidAssociationException($"The address {remoteAddress} has no host and port."));
            return associated.Task;
        }

        // An asynchronous connect would make the socket an asynchronous one for good.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var connection = new ControlConnection(socket, openWithin, local!, remoteAddress, MaximumPayloadBytes);
        if (!TryAdd(connection))
        {
            connection.Dispose();
            associated.SetException(new InvalidAssociationException("The transport is closed, or has all the connections that it can have."));
            return associated.Task;
        }

        Start($"to-{host}", () =>
        {
            try
            {
                socket.Connect(host, port);
                connection.Open(stream => tls?.Call(stream, host) ?? stream);
                associated.SetResult(connection);
                connection.Read();
            }
            catch (Exception failure) when (ControlConnection.IsFailure(failure))
            {
                associated.TrySetException(new InvalidAssociationException($"{failure.Message.TrimEnd('.')} {remoteAddress}", failure));
            }
            finally
            {
                Remove(connection);
            }
        });
        return associated.Task;
    }

    /// <inheritdoc/>
    public override Task<bool> Shutdown()
    {
        Dispose();
        return Task.FromResult(true);
    }

    /// <summary>Ends all connections and takes no more.</summary>
    public void Dispose()
    {
        ControlConnection[] open;
        lock (gate)
        {
            closed.Set();
            open = [.. connections];
        }

        server?.Dispose();
        associationListener.TrySetCanceled();
        foreach (ControlConnection connection in open)
        {
            connection.Dispose();
        }
    }

    private static void Start(string name, Action run) => new Thread(() => run()) { Name = $"distnet-control-{name}", IsBackground = true }.Start();

    private void Accept()
    {
        IAssociationEventListener listener;
        try
        {
            listener = associationListener.Task.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            return;
        }

        while (true)
        {
            Socket socket;
            try
            {
                socket = server!.Accept();
            }
            catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
            {
                // A caller that has gone already, or no file descriptor is left: then the next try is no better at once.
                if (closed.Wait(MillisecondsBetweenFailures))
                {
                    return;
                }

                continue;
            }

            if (socket.RemoteEndPoint is not IPEndPoint caller)
            {
                socket.Dispose();
                continue;
            }

            var connection = new ControlConnection(socket, openWithin, local!, new Address(SchemeIdentifier, System.Name, caller.Address.ToString(), caller.Port), MaximumPayloadBytes);
            if (!TryAdd(connection))
            {
                connection.Dispose();
                continue;
            }

            Start($"from-{caller}", () => Serve(connection, listener));
        }
    }

    private void Serve(ControlConnection connection, IAssociationEventListener listener)
    {
        try
        {
            connection.Open(stream => tls?.Answer(stream) ?? stream);
            listener.Notify(new InboundAssociation(connection));
            connection.Read();
        }
        catch (Exception failure) when (ControlConnection.IsFailure(failure))
        {
            log.Info("The connection from {0} ends: {1}", connection.RemoteAddress, failure.Message);
        }
        finally
        {
            Remove(connection);
        }
    }

    private bool TryAdd(ControlConnection connection)
    {
        lock (gate)
        {
            return !closed.IsSet && connections.Count < mostConnections && connections.Add(connection);
        }
    }

    private void Remove(ControlConnection connection)
    {
        connection.Dispose();
        lock (gate)
        {
            connections.Remove(connection);
        }
    }
}

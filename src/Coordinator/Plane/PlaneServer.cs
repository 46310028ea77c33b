using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using DistNet.Protocol;
using DistNet.Protocol.Security;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DistNet.Coordinator.Plane;

/// <summary>Serves a <see cref="CoordinatorPlane"/> over HTTP/2: Kestrel and gRPC, nothing else; no signal handlers, nothing on the console.</summary>
public sealed class PlaneServer : IAsyncDisposable
{
    private readonly WebApplication application;

    private PlaneServer(WebApplication application, IPEndPoint endpoint)
    {
        this.application = application;
        Endpoint = endpoint;
    }

    /// <summary>Where it listens; the port is the one that the system chose where 0 was asked for.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Starts to serve.</summary>
    /// <param name="plane">The plane; not disposed with the server.</param>
    /// <param name="bind">Where to listen; port 0 lets the system choose.</param>
    /// <param name="tls">Certificates for mutual TLS; null for plaintext.</param>
    /// <param name="loggers">Where log lines go; null for nowhere.</param>
    /// <exception cref="DistNetException">The address cannot be listened on.</exception>
    public static async Task<PlaneServer> StartAsync(
        CoordinatorPlane plane, IPEndPoint bind, TlsFiles? tls = null, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(plane);
        ArgumentNullException.ThrowIfNull(bind);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => Configure(options, plane, bind, tls));
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(loggers ?? Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        builder.Services.AddSingleton(plane);
        builder.Services.AddSingleton<TensorPlaneService>();
        builder.Services.AddSingleton<IServiceMethodProvider<TensorPlaneService>, PlaneMethodProvider>();
        builder.Services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = WireLimits.MessageBytes;
            options.MaxSendMessageSize = WireLimits.DescriptionBytes;
            options.CompressionProviders.Clear(); // numbers do not shrink, and a small message must not become a large one
            options.IgnoreUnknownServices = true;
        });
        WebApplication application = builder.Build();
        application.Use((context, next) => CountAsync(context, next, plane.Counters));
        application.MapGrpcService<TensorPlaneService>();
        try
        {
            await application.StartAsync().ConfigureAwait(false);
        }
        catch (IOException error)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw DistNetException.Failed($"The coordinator cannot listen on {bind}: {error.Message.TrimEnd('.')}.", error);
        }

        string address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new PlaneServer(application, new IPEndPoint(bind.Address, new Uri(address).Port));
    }

    /// <summary>Stops: ends what is open, after a moment for calls to end well.</summary>
    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await application.StopAsync(soon.Token).ConfigureAwait(false);
        await application.DisposeAsync().ConfigureAwait(false);
    }

    private static void Configure(KestrelServerOptions options, CoordinatorPlane plane, IPEndPoint bind, TlsFiles? tls)
    {
        options.AddServerHeader = false;
        KestrelServerLimits limits = options.Limits;
        limits.MaxConcurrentConnections = plane.Settings.Connections;
        limits.KeepAliveTimeout = WireLimits.IdleConnection;
        limits.RequestHeadersTimeout = WireLimits.RequestHeaders;
        limits.MaxRequestHeadersTotalSize = WireLimits.HeaderBytes;
        limits.MaxRequestHeaderCount = WireLimits.HeaderCount;
        limits.MaxResponseBufferSize = WireLimits.ResponseBufferBytes;
        limits.Http2.MaxStreamsPerConnection = WireLimits.StreamsPerConnection;
        limits.Http2.MaxRequestHeaderFieldSize = WireLimits.HeaderBytes;
        limits.Http2.HeaderTableSize = WireLimits.HeaderTableBytes;
        limits.Http2.InitialStreamWindowSize = WireLimits.StreamWindowBytes;
        limits.Http2.InitialConnectionWindowSize = WireLimits.ConnectionWindowBytes;
        var guard = new ConnectionGuard(plane, Math.Min(WireLimits.ConnectionsPerAddress, plane.Settings.Connections), tls is not null);
        options.Listen(bind, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(guard.Guard);
            if (tls is not null)
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = WireLimits.TlsHandshake,
                    OnConnection = context => ValueTask.FromResult(Telling(tls, plane, context)),
                });
            }
        });
    }

    // A handshake that fails is counted and told to the owner in words; Kestrel would say nothing.
    private static SslServerAuthenticationOptions Telling(TlsFiles tls, CoordinatorPlane plane, TlsHandshakeCallbackContext context)
    {
        string address = new Caller((context.Connection.RemoteEndPoint as IPEndPoint)?.Address).Address;
        SslServerAuthenticationOptions options = tls.ServerOptions();
        CallMark? mark = context.Connection.Features.Get<CallMark>();
        options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
        {
            if (mark is not null)
            {
                mark.WasChecked = true;
            }

            if (PeerCheck.RefuseCaller(tls.Authority, certificate as X509Certificate2) is not { } refusal)
            {
                return true;
            }

            plane.Refusals.Tell(PlaneCount.ConnectionsTlsRefused, $"A caller at {address} was turned away: {refusal}.", address);
            return false;
        };
        return options;
    }

    private static async Task CountAsync(HttpContext context, RequestDelegate next, PlaneCounters counters)
    {
        counters.Add(PlaneCount.Calls);
        if (context.Features.Get<CallMark>() is { } mark)
        {
            mark.HasCalled = true;
        }

        await next(context).ConfigureAwait(false);
        string status = context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers["grpc-status"].ToString() is { Length: > 0 } trailer
            ? trailer
            : context.Response.Headers["grpc-status"].ToString();
        if (status != "0")
        {
            counters.Add(PlaneCount.CallsFailed);
        }
    }

    // The process is not ours to end.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

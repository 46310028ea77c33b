using System.Net.Security;
using Akka.Actor.Setup;
using DistNet.Protocol.Security;

namespace DistNet.Protocol.Transport;

/// <summary>Makes the control plane's connections TLS's, with mutual authentication.</summary>
/// <param name="files">This host's certificate and the authority.</param>
/// <param name="seedHost">The coordinator's host where this is a worker: its certificate must be for that host. Other workers may have any certificate of the authority,
/// as their addresses may change. Null on the coordinator.</param>
internal sealed class ControlTls(TlsFiles files, string? seedHost) : Setup
{
    /// <summary>Shakes hands with whoever was called; throws where they are turned away.</summary>
    public SslStream Call(Stream stream, string host)
    {
        var secure = new SslStream(stream);
        secure.AuthenticateAsClient(files.ClientOptions(host, mustBeFor: string.Equals(host, seedHost, StringComparison.OrdinalIgnoreCase) ? seedHost : null));
        return secure;
    }

    /// <summary>Shakes hands with whoever has called; throws where they are turned away.</summary>
    public SslStream Answer(Stream stream)
    {
        var secure = new SslStream(stream);
        secure.AuthenticateAsServer(files.ServerOptions());
        return secure;
    }
}

using System.Net;
using Akka.Actor;
using DistNet.Protocol.Security;

namespace DistNet.Protocol;

/// <summary>What a process is in the cluster.</summary>
public enum ClusterRole
{
    /// <summary>The one that gives out work; the cluster is where it is.</summary>
    Coordinator,

    /// <summary>One that computes; joins the coordinator.</summary>
    Worker,
}

/// <summary>How a process takes part in the control plane.</summary>
public sealed record ClusterNodeOptions
{
    /// <summary>What it is.</summary>
    public required ClusterRole Role { get; init; }

    /// <summary>The name or IP address that it listens on.</summary>
    public required string BindHost { get; init; }

    /// <summary>The port that it listens on; 0 lets the system choose.</summary>
    public int BindPort { get; init; }

    /// <summary>The name or IP address by which others reach it; null where that is <see cref="BindHost"/>.</summary>
    public string? PublicHost { get; init; }

    /// <summary>The port by which others reach it; 0 where that is the port that it listens on.</summary>
    public int PublicPort { get; init; }

    /// <summary>Worker: the coordinator's address as that tells it, <c>akka.tcp://distnet@HOST:PORT</c>. Coordinator: null; it joins itself.</summary>
    public string? Seed { get; init; }

    /// <summary>Certificates for both sides of every connection; null for plain text.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>The host that others call.</summary>
    internal string AdvertisedHost => PublicHost ?? BindHost;

    /// <summary>The scheme of addresses in this cluster.</summary>
    internal string Scheme => Tls is null ? "akka.tcp" : "akka.ssl.tcp";

    /// <summary>The coordinator's address, checked: it comes from the wire.</summary>
    /// <exception cref="DistNetException">It is no address of a DistNet coordinator, or of one with other transport security.</exception>
    internal Address? SeedAddress
    {
        get
        {
            if (Role == ClusterRole.Coordinator)
            {
                Invariant.Holds(Seed is null);
                return null;
            }

            Invariant.Holds(Seed is not null);
            string expected = $"{Scheme}://{ControlHost.SystemName}@HOST:PORT";
            string shown = ControlText.Shown(Seed, 300);
            if (!Address.TryParse(Seed, out Address? address) || address.System != ControlHost.SystemName || address.Port is not (> 0 and <= 65535) || !HostText.IsHost(address.Host))
            {
                throw DistNetException.Failed($"the coordinator tells '{shown}' as its control address; expected {expected}.");
            }

            return address.Protocol == Scheme
                ? address
                : throw DistNetException.Failed($"the coordinator's control address is '{shown}', but this worker {(Tls is null ? "has no certificates (--tls)" : "has certificates (--tls) and the coordinator has none")}; expected {expected}.");
        }
    }

    /// <summary>Checks what can be checked before anything is started.</summary>
    /// <exception cref="DistNetException">Something is wrong.</exception>
    internal void Check()
    {
        Invariant.Holds(BindPort is >= 0 and <= 65535 && PublicPort is >= 0 and <= 65535);
        if (!HostText.IsHost(BindHost) || !HostText.IsHost(AdvertisedHost))
        {
            throw DistNetException.Usage($"'{(HostText.IsHost(BindHost) ? AdvertisedHost : BindHost)}' is not a host; expected a name or an IP address.");
        }

        if (IPAddress.TryParse(AdvertisedHost.Trim('[', ']'), out IPAddress? address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
        {
            throw DistNetException.Usage($"'{AdvertisedHost}' means all interfaces and is no address that others could call; give the one to call as the public address.");
        }

        _ = SeedAddress;
    }
}

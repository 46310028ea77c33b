using System.Net;
using Microsoft.AspNetCore.Connections;

namespace DistNet.Coordinator.Plane;

/// <summary>Counts connections, bounds those of one address, and notices those that never made a call.</summary>
internal sealed class ConnectionGuard(PlaneCounters counters, int perAddress)
{
    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, int> open = [];

    /// <summary>Part of the server's pipeline for connections.</summary>
    public ConnectionDelegate Guard(ConnectionDelegate next) => async connection =>
    {
        counters.Add(PlaneCount.Connections);
        IPAddress address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (!TryEnter(address))
        {
            counters.Add(PlaneCount.ConnectionsOverLimit);
            connection.Abort();
            return;
        }

        var mark = new CallMark();
        connection.Features.Set(mark);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            Leave(address);
            if (!mark.HasCalled)
            {
                counters.Add(PlaneCount.ConnectionsWithoutCall);
            }
        }
    };

    private bool TryEnter(IPAddress address)
    {
        lock (gate)
        {
            int count = open.GetValueOrDefault(address);
            if (count >= perAddress)
            {
                return false;
            }

            open[address] = count + 1;
            return true;
        }
    }

    private void Leave(IPAddress address)
    {
        lock (gate)
        {
            if (--open[address] == 0)
            {
                open.Remove(address);
            }
        }
    }
}

/// <summary>Whether a connection has made a call.</summary>
internal sealed class CallMark
{
    /// <summary>Whether it has.</summary>
    public bool HasCalled { get; set; }
}

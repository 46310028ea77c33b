using System.Net;
using Microsoft.AspNetCore.Connections;

namespace DistNet.Coordinator.Plane;

/// <summary>Counts connections, bounds those of one address, and notices those that never made a call.</summary>
/// <param name="plane">Counts, and tells its owner of handshakes that broke off.</param>
/// <param name="perAddress">Connections that one address may have at once.</param>
/// <param name="isTls">Whether a handshake must come first.</param>
internal sealed class ConnectionGuard(CoordinatorPlane plane, int perAddress, bool isTls)
{
    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, int> open = [];

    /// <summary>Part of the server's pipeline for connections.</summary>
    public ConnectionDelegate Guard(ConnectionDelegate next) => async connection =>
    {
        plane.Counters.Add(PlaneCount.Connections);
        IPAddress address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (!TryEnter(address))
        {
            plane.Counters.Add(PlaneCount.ConnectionsOverLimit);
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
                plane.Counters.Add(PlaneCount.ConnectionsWithoutCall);
            }

            if (isTls && !mark.WasChecked)
            {
                string where = new Caller(address).Address;
                plane.Refusals.Tell(
                    PlaneCount.ConnectionsHandshakeBroken,
                    $"A caller at {where} broke off the TLS handshake: it does not take this coordinator's certificate, or it speaks plaintext.",
                    where);
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

/// <summary>How far a connection has come.</summary>
internal sealed class CallMark
{
    /// <summary>Whether its certificate was checked, with whatever result.</summary>
    public bool WasChecked { get; set; }

    /// <summary>Whether it has made a call.</summary>
    public bool HasCalled { get; set; }
}

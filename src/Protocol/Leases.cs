using System.Runtime.InteropServices;
using DistNet.Runs;

namespace DistNet.Protocol;

/// <summary>What happens to the leases of an answer.</summary>
public static class Leases
{
    /// <summary>Whether an answer is a second copy of one that was accepted or dropped: its leases are no longer its own. It must not be offered again, as the
    /// same worker may have been given the same slices anew meanwhile.</summary>
    public static bool AreGone(ShardResult result)
    {
        foreach (ShardNode node in result.Nodes)
        {
            if (node.Gradient is { IsClaimed: true })
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Claims all leases of an answer that counts.</summary>
    /// <exception cref="InvalidOperationException">Someone else has claimed one.</exception>
    public static void Claim(ShardResult result)
    {
        foreach (ShardNode node in result.Nodes)
        {
            Invariant.Holds(node.Gradient is null || node.Gradient.TryClaim());
        }
    }

    /// <summary>Returns the leases of an answer that is dropped, except those that someone else has claimed: it may be a second copy of one that counted.</summary>
    public static void Release(ShardResult? result)
    {
        foreach (ShardNode node in result?.Nodes ?? [])
        {
            if (node.Gradient is { } lease && lease.TryClaim())
            {
                lease.Return();
            }
        }
    }

    /// <summary>Returns leases that were claimed, when the sum is done with them.</summary>
    public static void Return(List<ShardNode> nodes)
    {
        foreach (ShardNode node in CollectionsMarshal.AsSpan(nodes))
        {
            node.Gradient?.Return();
        }
    }
}

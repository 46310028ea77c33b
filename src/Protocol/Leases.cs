using System.Runtime.InteropServices;
using DistNet.Runs;

namespace DistNet.Protocol;

/// <summary>Returning the leases of many nodes.</summary>
public static class Leases
{
    /// <summary>Returns the leases of a result that is not delivered.</summary>
    public static void Return(ShardResult? result)
    {
        foreach (ShardNode node in result?.Nodes ?? [])
        {
            node.Gradient?.Return();
        }
    }

    /// <summary>Returns the leases of nodes that were taken.</summary>
    public static void Return(List<ShardNode> nodes)
    {
        foreach (ShardNode node in CollectionsMarshal.AsSpan(nodes))
        {
            node.Gradient?.Return();
        }
    }
}

using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>From an answer's tickets to its gradients. A ticket is taken once, so that an answer that arrives twice cannot count twice.</summary>
internal static class AnswerTickets
{
    /// <summary>Whether an answer is a second copy of one that was handled. It must not be offered again, as the same worker may have been given the same
    /// slices anew meanwhile. Tickets count up within a session, and a session's answers arrive in the order they were sent.</summary>
    public static bool IsCopy(ShardDone done, Member member)
    {
        foreach (AnsweredNode node in done.Nodes)
        {
            if (node.Ticket != 0 && node.Ticket <= member.LastTicket)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes the gradients of an answer; a node whose ticket the plane does not know is left without.</summary>
    /// <param name="done">The answer.</param>
    /// <param name="member">The session that it belongs to; null for none, then nothing is taken.</param>
    /// <param name="plane">The plane.</param>
    public static List<ShardNode> Take(ShardDone done, Member? member, ICoordinatorPlane plane)
    {
        var nodes = new List<ShardNode>(done.Nodes.Length);
        foreach (AnsweredNode node in done.Nodes)
        {
            GradientLease? lease = null;
            if (member is not null && node.Ticket != 0)
            {
                member.LastTicket = Math.Max(member.LastTicket, node.Ticket);
                plane.TryTake(member.Incarnation, node.Ticket, out lease);
            }

            nodes.Add(new ShardNode(node.Node, node.Metrics, lease));
        }

        return nodes;
    }
}

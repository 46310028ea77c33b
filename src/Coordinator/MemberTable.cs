using Akka.Actor;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>One registered worker.</summary>
/// <param name="Worker">Its name.</param>
/// <param name="Incarnation">Its actor's life.</param>
/// <param name="Session">Its session.</param>
/// <param name="Actor">Where its messages go.</param>
internal sealed record Member(WorkerId Worker, Guid Incarnation, long Session, IActorRef Actor);

/// <summary>Who is registered, and with which session. Sessions count up within a term and are never used again.</summary>
internal sealed class MemberTable
{
    private readonly Dictionary<WorkerId, Member> byWorker = [];
    private long lastSession;

    public IEnumerable<Member> All => byWorker.Values;

    public Member? Find(WorkerId worker) => byWorker.GetValueOrDefault(worker);

    public Member? Find(WorkerId worker, long session) => Find(worker) is { } member && member.Session == session ? member : null;

    public IReadOnlyList<Member> Of(IActorRef actor) => [.. byWorker.Values.Where(member => member.Actor.Equals(actor))];

    /// <summary>Begins a session; one that the worker had before is forgotten.</summary>
    public Member Add(WorkerId worker, Guid incarnation, IActorRef actor)
    {
        var member = new Member(worker, incarnation, ++lastSession, actor);
        byWorker[worker] = member;
        return member;
    }

    public void Remove(Member member)
    {
        if (Find(member.Worker) == member)
        {
            byWorker.Remove(member.Worker);
        }
    }
}

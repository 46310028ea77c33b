using Akka.Actor;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>One registered worker.</summary>
/// <param name="worker">Its name.</param>
/// <param name="incarnation">Its actor's life.</param>
/// <param name="session">Its session.</param>
/// <param name="actor">Where its messages go.</param>
internal sealed class Member(WorkerId worker, Guid incarnation, long session, IActorRef actor)
{
    public WorkerId Worker => worker;

    public Guid Incarnation => incarnation;

    public long Session => session;

    public IActorRef Actor => actor;

    /// <summary>The highest ticket that any of its answers carried.</summary>
    public long LastTicket { get; set; }
}

/// <summary>Who is registered, and with which session. Sessions count up within a term and are never used again.</summary>
internal sealed class MemberTable
{
    private readonly Dictionary<WorkerId, Member> byWorker = [];
    private readonly Dictionary<Guid, Member> byIncarnation = [];
    private long lastSession;

    public IEnumerable<Member> All => byWorker.Values;

    public Member? Find(WorkerId worker) => byWorker.GetValueOrDefault(worker);

    public Member? Find(WorkerId worker, long session) => Find(worker) is { } member && member.Session == session ? member : null;

    public Member? Find(Guid incarnation) => byIncarnation.GetValueOrDefault(incarnation);

    public IReadOnlyList<Member> Of(IActorRef actor) => [.. byWorker.Values.Where(member => member.Actor.Equals(actor))];

    /// <summary>Begins a session; one that the worker had before is forgotten.</summary>
    public Member Add(WorkerId worker, Guid incarnation, IActorRef actor)
    {
        if (Find(worker) is { } before)
        {
            Remove(before);
        }

        var member = new Member(worker, incarnation, ++lastSession, actor);
        byWorker[worker] = member;
        byIncarnation[incarnation] = member;
        return member;
    }

    public void Remove(Member member)
    {
        if (Find(member.Worker) == member)
        {
            byWorker.Remove(member.Worker);
            byIncarnation.Remove(member.Incarnation);
        }
    }
}

using Akka.Actor;
using Akka.Event;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>This part: who takes part. A session begins with a registration and ends once, whoever notices first: the worker, its actor's death, its plane, or the machine.</summary>
public sealed partial class CoordinatorActor
{
    private void Register(RegisterWorker register)
    {
        if (Refusal(register) is { } sentence)
        {
            log.Info("The registration of worker {0} is refused: {1}", register.Worker, sentence);
            Sender.Tell(new SessionEnded(MembershipOf(session: 0), sentence));
            return;
        }

        Member? known = members.Find(register.Worker);
        if (known is not null && known.Incarnation == register.Incarnation && known.Actor.Equals(Sender))
        {
            Sender.Tell(new Welcome(MembershipOf(known.Session), register.Incarnation));
            return;
        }

        if (known is not null)
        {
            // The machine gives its slices out again when it hears of the new session.
            EndMember(known, "it registered again", isGone: !known.Actor.Path.Address.Equals(Sender.Path.Address));
        }

        Member member = members.Add(register.Worker, register.Incarnation, Sender);
        Context.Watch(Sender);
        Sender.Tell(new Welcome(MembershipOf(member.Session), register.Incarnation));
        string host = plane.HostOf(register.Incarnation);
        Feed(new RunInput.WorkerJoined(register.Worker, member.Session, register.Threads, host, Beats: host.Length > 0, plane.OrdersStand(register.Incarnation)));
    }

    private string? Refusal(RegisterWorker register)
    {
        RunDefinition definition = state.Definition;
        if (register.Membership != default && (register.Membership.Run != definition.Run || register.Membership.Term != definition.Term))
        {
            return $"Worker {register.Worker} registered for term {register.Membership.Term} of run {register.Membership.Run}, but this is term {definition.Term} of run {definition.Run}.";
        }

        if (members.Find(register.Incarnation) is { } other && other.Worker != register.Worker)
        {
            return $"Worker {register.Worker} registered with the attendance of worker {other.Worker}.";
        }

        return plane.IsLive(register.Incarnation) ? null : $"Worker {register.Worker} has no live attendance at this coordinator.";
    }

    private void Heard(WorkerHeard heard)
    {
        if (members.Find(heard.Incarnation) is { } member)
        {
            Feed(new RunInput.WorkerHeard(member.Worker, member.Session, heard.Activity));
        }
    }

    // The member that a message belongs to; null where there is none, or where someone else sent it.
    private Member? SenderOf(WorkerId worker, Membership membership)
    {
        bool isOfThisTerm = membership.Run == state.Definition.Run && membership.Term == state.Definition.Term;
        return isOfThisTerm && members.Find(worker, membership.Session) is { } member && member.Actor.Equals(Sender) ? member : null;
    }

    // The member in whose memory an answer stood; null where it is gone, or the answer is another's.
    private Member? HolderOf(ShardAnswered answered)
    {
        ShardDone done = answered.Answer;
        if (members.Find(answered.Incarnation) is { } member && member.Worker == done.Worker && MembershipOf(member.Session) == Membership.Of(done.Fence))
        {
            return member;
        }

        log.Debug("An answer in the name of worker {0} stood in the memory of no such session and is dropped: {1}", done.Worker, done.Fence);
        return null;
    }

    // Whether a message names a session of this coordinator and does not come from that session's actor: then it is no answer at all.
    private bool IsImpostor(WorkerId worker, Fence fence)
    {
        bool isOther = members.Find(worker, fence.Session) is { } member && !member.Actor.Equals(Sender);
        if (isOther)
        {
            log.Warning("An answer in the name of worker {0} came from {1} and is dropped: {2}", worker, Sender, fence);
        }

        return isOther;
    }

    private void Leave(Member? member, string reason, bool isGone)
    {
        if (member is not null)
        {
            EndMember(member, reason, isGone);
            Feed(new RunInput.WorkerLeft(member.Worker, member.Session, reason));
        }
    }

    private void EndSession(RunEffect.EndSession ended)
    {
        if (members.Find(ended.Worker, ended.Session) is { } member)
        {
            member.Actor.Tell(new SessionEnded(MembershipOf(member.Session), ended.Sentence));
            EndMember(member, ended.Sentence, isGone: true);
        }
    }

    private void EndMember(Member member, string reason, bool isGone)
    {
        members.Remove(member);
        plane.End(member.Incarnation, reason);
        Address address = member.Actor.Path.Address;
        if (isGone && address.HasGlobalScope && !members.All.Any(other => other.Actor.Path.Address.Equals(address)))
        {
            settings.MemberGone?.Invoke(address);
        }
    }

    private Membership MembershipOf(long session) => new(state.Definition.Run, state.Definition.Term, session);
}

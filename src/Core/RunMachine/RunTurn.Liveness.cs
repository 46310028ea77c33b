using System.Globalization;

namespace DistNet.Runs;

/// <summary>This part: who is late or silent, and what is told of it.</summary>
/// <remarks>Membership is a hint, the deadline is the rule: no step waits for a worker longer than for its lateness or its silence. What is owed then becomes
/// missing again, and whoever answers first counts.</remarks>
internal sealed partial class RunTurn
{
    private readonly List<(WorkerState Worker, StallReason Why)> stalls = [];

    private void Look()
    {
        for (int i = state.Workers.Length - 1; i >= 0; i--)
        {
            if (!NoticeSilence(i) && !NoticeLoss(i))
            {
                NoticeLateness(i);
            }
        }

        if (state.Stage == RunStage.Computing && nowMs - state.FolderMs >= RunLimits.FolderLookMs)
        {
            state = state with { FolderMs = nowMs };
            Emit(new RunEffect.VerifyFolder());
        }

        Dispatch();
        foreach ((WorkerState worker, StallReason why) in stalls)
        {
            string sentence = Sentence(worker, why);
            Because(sentence);
            Emit(new RunEffect.Warn(sentence));
        }
    }

    private void Hear(RunInput.WorkerHeard heard)
    {
        int index = IndexOf(heard.Worker);
        if (index < 0 || state.Workers[index].Session != heard.Session)
        {
            return;
        }

        WorkerState worker = state.Workers[index];
        bool isIdle = worker.Work is not null && heard.Activity.Kind == ActivityKind.Idle;
        WorkerState now = worker with
        {
            HeardMs = nowMs,
            Activity = heard.Activity,
            DoubtedMs = -1,
            SuspectedMs = -1,
            IdleSinceMs = !isIdle ? -1 : worker.IdleSinceMs < 0 ? nowMs : worker.IdleSinceMs,
        };
        SetWorker(index, now);
        if (worker.Suspected)
        {
            Count(c => c with { HeardAgain = c.HeardAgain + 1 });
            Because($"worker {Named(worker)} is heard again after {Seconds(nowMs - worker.HeardMs)}");
            if (now.Work is { } work && nowMs < work.DeadlineMs && IsOwedAlone(work))
            {
                SetWorker(index, now with { Work = work with { Late = false } });
            }

            Dispatch();
        }
    }

    // Whether the worker's session ended.
    private bool NoticeSilence(int index)
    {
        WorkerState worker = state.Workers[index];
        if (!worker.Beats || nowMs - worker.HeardMs < RunLimits.SuspectAfterMs)
        {
            return false;
        }

        if (worker.DoubtedMs < 0)
        {
            SetWorker(index, worker with { DoubtedMs = nowMs });
        }
        else if (!worker.Suspected)
        {
            if (nowMs - worker.DoubtedMs >= RunLimits.DoubtMs)
            {
                Count(c => c with { Suspected = c.Suspected + 1 });
                Assignment? work = worker.Work is { } owed && IsCurrent(owed) ? owed with { Late = true } : worker.Work;
                Stall(index, worker with { SuspectedMs = nowMs, Work = work }, StallReason.Silent);
            }
        }
        else if (nowMs - worker.SuspectedMs >= RunLimits.SessionEndsAfterMs - RunLimits.SuspectAfterMs)
        {
            Count(c => c with { Unheard = c.Unheard + 1 });
            EndSession(worker, $"Worker {Named(worker)} has not been heard from for {Seconds(nowMs - worker.HeardMs)}: its session ends.", "it was not heard from");
            return true;
        }

        return false;
    }

    // A worker that says it is idle does not compute what it was given. Should its answer still come, it is the answer to whoever was given the same slices anew.
    private bool NoticeLoss(int index)
    {
        WorkerState worker = state.Workers[index];
        if (worker.Work is not { } work || worker.IdleSinceMs < 0 || nowMs - worker.IdleSinceMs < RunLimits.LostAfterMs)
        {
            return false;
        }

        Count(c => c with { Undelivered = c.Undelivered + 1 });
        if (worker.Told != StallReason.Idle)
        {
            string sentence =
                $"Worker {Named(worker)} is idle though it was given slices {work.Slices} of step {work.Step} {Seconds(nowMs - work.SentMs)} ago, so the message or its answer was lost; they are given out again.";
            Because(sentence);
            Emit(new RunEffect.Warn(sentence));
        }

        SetWorker(index, worker with { Work = null, IdleSinceMs = -1, Told = StallReason.Idle });
        return true;
    }

    private void NoticeLateness(int index)
    {
        WorkerState worker = state.Workers[index];
        if (worker.Work is not { } work || nowMs < work.DeadlineMs)
        {
            return;
        }

        if (!work.Late)
        {
            WorkerState late = worker with { Work = work with { Late = true } };
            if (IsCurrent(work))
            {
                Count(c => c with { Late = c.Late + 1 });
                Stall(index, late, StallReason.Late);
            }
            else
            {
                SetWorker(index, late);
            }
        }
        else if (nowMs - work.SentMs >= RunLimits.SilentMultiple * (work.DeadlineMs - work.SentMs))
        {
            Count(c => c with { Silent = c.Silent + 1 });
            EndSession(
                worker,
                $"Worker {Named(worker)} has owed slices {work.Slices} of step {work.Step} for {Seconds(nowMs - work.SentMs)}{Doing(worker)}: its session ends.",
                "it owed an answer too long");
        }
    }

    private void EndSession(WorkerState worker, string sentence, string why)
    {
        Emit(new RunEffect.EndSession(worker.Id, worker.Session, sentence));
        Emit(new RunEffect.Warn(sentence));
        Leave(worker.Id, worker.Session, why);
    }

    // One line per change of reason: a worker that is late or silent again and again was named already.
    private void Stall(int index, WorkerState worker, StallReason why)
    {
        if (worker.Told != why)
        {
            worker = worker with { Told = why };
            stalls.Add((worker, why));
        }

        SetWorker(index, worker);
    }

    private string Sentence(WorkerState worker, StallReason why)
    {
        string silence = $"Worker {Named(worker)} has not been heard from for {Seconds(nowMs - worker.HeardMs)}";
        if (worker.Work is not { } work)
        {
            return $"{silence}; it gets no work until it is.";
        }

        string shard = $"slices {work.Slices} of step {work.Step}";
        return why == StallReason.Late
            ? $"Worker {Named(worker)} is late with {shard} ({Seconds(nowMs - work.SentMs)}{Doing(worker)}); {Remedy(worker, work)}."
            : $"{silence}; it has {shard}{Doing(worker)}; {Remedy(worker, work)}.";
    }

    // What the worker did when it was last heard, for how long by now: ", computing for 2.3 s".
    private string Doing(WorkerState worker)
    {
        if (!worker.Beats || worker.Work is not { } work)
        {
            return "";
        }

        if (worker.Activity.Kind == ActivityKind.Idle)
        {
            return ", of which it has not told yet";
        }

        string what = worker.Activity.Kind switch
        {
            ActivityKind.PreparingData => "preparing data",
            ActivityKind.WaitingForParameters => "waiting for parameters",
            ActivityKind.Computing => "computing",
            ActivityKind.Uploading => "uploading",
            _ => "leaving",
        };
        string other = worker.Activity.Step == work.Step || worker.Activity.Kind is ActivityKind.PreparingData or ActivityKind.Leaving ? "" : $" step {worker.Activity.Step}";
        double seconds = Math.Max(0, worker.Activity.Seconds) + ((nowMs - worker.HeardMs) / 1000.0);
        return string.Create(CultureInfo.InvariantCulture, $", {what}{other} for {seconds:0.0} s");
    }

    private string Remedy(WorkerState worker, Assignment work)
    {
        if (!IsCurrent(work))
        {
            return "nobody waits for them";
        }

        var takers = new List<string>();
        foreach (WorkerState other in state.Workers)
        {
            if (other.Id != worker.Id && other.Work is { Late: false } taken && IsCurrent(taken) && taken.Slices.Overlaps(work.Slices))
            {
                takers.Add(other.Id.Name);
            }
        }

        if (takers.Count > 0)
        {
            return $"they are computed a second time by {string.Join(", ", takers)}, and the first answer counts";
        }

        return state.Workers.Length == 1
            ? "there is no other worker, so the run waits for it or for a new one"
            : "no other worker is free, so the first that is computes them a second time, and the first answer counts";
    }

    // Whether nobody else has answered or computes any of these slices.
    private bool IsOwedAlone(Assignment work)
    {
        if (!IsCurrent(work))
        {
            return false;
        }

        foreach (AcceptedAnswer accepted in state.Phase!.Accepted)
        {
            if (accepted.Slices.Overlaps(work.Slices))
            {
                return false;
            }
        }

        foreach (WorkerState other in state.Workers)
        {
            if (other.Work is { Late: false } taken && IsCurrent(taken) && taken.Slices.Overlaps(work.Slices))
            {
                return false;
            }
        }

        return true;
    }

    private static string Seconds(long milliseconds) => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000.0:0.0} s");
}

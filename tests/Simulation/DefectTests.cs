using DistNet.Runs;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Defects seeded on purpose: the histories find each of them, so what they do not find is worth something.</summary>
public sealed class DefectTests
{
    [Fact]
    public void A_machine_that_counts_a_late_answer_twice_is_found()
    {
        // An answer to the phase under way that must be dropped, as its slices are answered already, counts all the same.
        static Transition CountTwice(Transition transition, RunInput input) =>
            input is RunInput.ShardCompleted completed && transition.Effects is [RunEffect.ReleaseAnswer, ..]
            && transition.State.Phase is { } phase && phase.Whole.Phase == completed.Fence.Phase && phase.Whole.Step == completed.Fence.Step
            && phase.Accepted.Any(accepted => accepted.Slices.First < completed.Slices.End && completed.Slices.First < accepted.Slices.End)
                ? transition with { Effects = transition.Effects.SetItem(0, new RunEffect.AcceptAnswer(completed.Answer)) }
                : transition;

        Assert.NotEmpty(Histories.Find(new Defects { Machine = CountTwice }));
    }

    [Fact]
    public void A_machine_that_forgets_a_lost_shard_is_found()
    {
        // The slices of a worker that leaves stay assigned to it, in the books, for ever.
        static Transition Forget(Transition transition, RunInput input)
        {
            bool dispatched = transition.Effects.Any(effect => effect is RunEffect.SendShard);
            return input is RunInput.WorkerLeft && dispatched
                ? transition with { Effects = [.. transition.Effects.Where(effect => effect is not RunEffect.SendShard)], State = Unlimited(transition.State) }
                : transition;
        }

        static RunState Unlimited(RunState state) => state with
        {
            Workers = [.. state.Workers.Select(worker => worker.Work is { } work ? worker with { Work = work with { DeadlineMs = long.MaxValue } } : worker)],
        };

        Assert.Contains("does not end", Histories.Find(new Defects { Machine = Forget }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_that_accepts_an_answer_of_an_ended_session_is_found()
    {
        // What the session's memory held is another's by now.
        static Transition Accept(Transition transition, RunInput input)
        {
            if (input is RunInput.ShardCompleted completed && transition.Effects is [RunEffect.ReleaseAnswer, ..]
                && transition.State is { Stage: RunStage.Computing, Phase: { } phase } state
                && phase.Whole.Phase == completed.Fence.Phase && phase.Whole.Step == completed.Fence.Step && completed.Fence.Run == state.Definition.Run
                && completed.Fence.Term == state.Definition.Term && !state.Workers.Any(worker => worker.Id == completed.Worker && worker.Session == completed.Fence.Session)
                && !phase.Accepted.Any(accepted => accepted.Slices.First < completed.Slices.End && completed.Slices.First < accepted.Slices.End))
            {
                var accepted = new AcceptedAnswer(completed.Slices, completed.Worker, "", completed.Finding, completed.Nodes);
                return transition with
                {
                    Effects = transition.Effects.SetItem(0, new RunEffect.AcceptAnswer(completed.Answer)),
                    State = state with { Phase = phase with { Accepted = phase.Accepted.Add(accepted) } },
                };
            }

            return transition;
        }

        Assert.NotEmpty(Histories.Find(new Defects { Machine = Accept }));
    }

    [Fact]
    public void A_machine_that_gives_the_next_step_out_with_the_parameters_of_this_one_is_found()
    {
        static Transition Hasten(Transition transition, RunInput input) =>
            transition with { Effects = [.. transition.Effects.Select(effect => effect is RunEffect.SendShard send ? send with { Ahead = false } : effect)] };

        Assert.Contains("the digest is", Histories.Find(new Defects { Machine = Hasten }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_coordinator_that_ignores_a_foreign_term_is_found() =>
        Assert.Contains("a run folder that is another's", Histories.Find(new Defects { IgnoresTerm = true }), StringComparison.Ordinal);

    [Fact]
    public void A_coordinator_that_goes_on_from_a_torn_checkpoint_is_found() =>
        Assert.Contains("the digest is", Histories.Find(new Defects { ResumesTorn = true }), StringComparison.Ordinal);

    [Fact]
    public void A_machine_that_accuses_nobody_is_found()
    {
        static Transition Hush(Transition transition, RunInput input) =>
            transition with { Effects = [.. transition.Effects.Where(effect => effect is not RunEffect.Warn { Sentence: var told } || !told.Contains("differ", StringComparison.Ordinal))] };

        Assert.Contains("nobody said so", Histories.Find(new Defects { Machine = Hush }), StringComparison.Ordinal);
    }
}

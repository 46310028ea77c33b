using System.Globalization;

namespace DistNet.Runs;

/// <summary>This part: the course of a run: step, validation, checkpoint, next; and its end.</summary>
internal sealed partial class RunTurn
{
    // What follows where nothing is owed.
    private void Next()
    {
        if (state.Stop is not null)
        {
            if (state.CheckpointStep == state.Training.Step)
            {
                Finish(Interrupted());
            }
            else
            {
                Checkpoint("stop requested");
            }
        }
        else if (state.Training.StoppedEarly || state.Training.Epoch >= Plan.Epochs)
        {
            Because(state.Training.StoppedEarly ? "early stopping ends the training" : "all epochs are trained");
            state = state with { Stage = RunStage.EndingTraining, Phase = null };
            Emit(new RunEffect.EndTraining());
        }
        else
        {
            BeginStep(state.Training.Step, state.Training.StepInEpoch);
        }
    }

    private bool BeginStep(long step, int stepInEpoch) => BeginPhase(RunPhase.Training, step, stepInEpoch, Plan.BatchSamples(stepInEpoch));

    // Whether the orders of the step before stand.
    private bool BeginPhase(RunPhase kind, long step, int stepInEpoch, int samples)
    {
        int slices = Plan.SlicesOf(samples);
        var whole = new ShardWork(kind, state.Training.Epoch, step, stepInEpoch, new SliceRange(0, slices), slices, samples);
        state = state with { Stage = RunStage.Computing, Phase = new PhaseState { Whole = whole } };
        return Dispatch(begins: true);
    }

    // All slices are answered: the numeric side has the word, as soon as it has completed the step before.
    private bool TryCompletePhase()
    {
        PhaseState phase = state.Phase!;
        if (state.Completing is not null || phase.AcceptedSlices != phase.Whole.SliceCount)
        {
            return false;
        }

        state = state with { Stage = RunStage.Completing, Phase = null, Completing = phase };
        switch (phase.Whole.Phase)
        {
            case RunPhase.Training:
                int completion = effects.Count;
                Emit(new RunEffect.CompleteStep(phase.Whole.Step));
                if (IsFollowedAtOnce(phase.Whole.StepInEpoch))
                {
                    bool stand = BeginStep(phase.Whole.Step + 1, phase.Whole.StepInEpoch + 1);
                    effects[completion] = new RunEffect.CompleteStep(phase.Whole.Step, stand);
                }

                break;
            case RunPhase.Validation:
                Emit(new RunEffect.CompleteValidation());
                break;
            default:
                Emit(new RunEffect.ReleaseAccepted());
                AfterDiagnosis(phase);
                break;
        }

        return true;
    }

    private void AfterStep(StepReport report)
    {
        Invariant.Holds(state.Completing is not null && report.Step == state.Training.Step);
        PhaseState completed = state.Completing;
        state = state with { Completing = null };
        if (!report.Finite && !report.Skipped)
        {
            Diagnose(completed);
            return;
        }

        Invariant.Holds(report.State.Step == state.Training.Step + 1);
        Remember(completed, report.Finite);
        state = state with { Training = report.State };
        if (state.Phase is not null)
        {
            Invariant.Holds(!report.EpochEnded && state.Phase.Whole.Step == state.Training.Step);
            if (!TryCompletePhase())
            {
                // Someone may have asked to stop meanwhile.
                Dispatch();
            }
        }
        else if (!report.EpochEnded)
        {
            AfterUpdate();
        }
        else if (state.Definition.ValidationSamples > 0)
        {
            BeginPhase(RunPhase.Validation, state.Training.Step, 0, state.Definition.ValidationSamples);
        }
        else
        {
            AfterEpoch();
        }
    }

    // The step is computed again. What was given out of the next one is not wanted: the parameters will not be those it was given out for.
    private void Diagnose(PhaseState suspect)
    {
        Count(c => c with { Diagnoses = c.Diagnoses + 1 });
        Because($"the gradient of step {suspect.Whole.Step} is not finite: the step is computed again to find where");
        if (state.Phase is not null)
        {
            WithdrawAll();
            Emit(new RunEffect.ReleaseAccepted());
        }

        state = state with
        {
            Stage = RunStage.Computing,
            Phase = new PhaseState { Whole = suspect.Whole with { Phase = RunPhase.Diagnosis }, Suspects = suspect.Accepted },
            Previous = null,
        };
        Dispatch(begins: true);
    }

    // Whether the next training step follows a step whatever its completion gives, short of a gradient that is not finite.
    private bool IsFollowedAtOnce(int stepInEpoch) =>
        state.Stop is null && stepInEpoch + 1 < Plan.StepsPerEpoch && DueCheckpoint(state.Training.Step + 1) is null;

    private void AfterUpdate()
    {
        if (DueCheckpoint(state.Training.Step) is { } why)
        {
            Checkpoint(why);
        }
        else
        {
            Next();
        }
    }

    // Why a checkpoint is due when so many steps are completed, or null.
    private string? DueCheckpoint(long completedSteps)
    {
        Training.CheckpointOptions options = state.Definition.Checkpoints;
        return options.EverySteps is { } steps && completedSteps % steps == 0 ? string.Create(CultureInfo.InvariantCulture, $"every {steps} steps")
            : options.EverySeconds is { } seconds && nowMs - state.CheckpointMs >= seconds * 1000 ? string.Create(CultureInfo.InvariantCulture, $"every {seconds} s")
            : null;
    }

    private void AfterEpoch() => Checkpoint("epoch end");

    private void Checkpoint(string why)
    {
        state = state with { Stage = RunStage.Checkpointing, Phase = null };
        Emit(new RunEffect.WriteCheckpoint(why));
    }

    private void AfterDiagnosis(PhaseState diagnosis)
    {
        string sentence = NonFiniteSentence.Of(diagnosis, Plan);
        if (state.Definition.NonFinite == Training.NonFinitePolicy.Skip)
        {
            Because("the step is skipped");
            Emit(new RunEffect.Warn($"{sentence} The step is skipped."));
            Emit(new RunEffect.SkipStep(diagnosis.Whole.Step, sentence));
        }
        else
        {
            Fail(sentence, null);
        }
    }

    private void RequestStop(StopSignal signal)
    {
        if (state.Stop is not null || state.Stage is RunStage.Finishing or RunStage.Ended)
        {
            return;
        }

        Because($"a stop was requested ({signal})");
        state = state with { Stop = signal };
        if (state.Stage == RunStage.Computing && !SomeoneComputes())
        {
            AbandonIfStopped();
        }
    }

    private bool SomeoneComputes()
    {
        foreach (WorkerState worker in state.Workers)
        {
            if (worker.Work is { Late: false } work && IsCurrent(work))
            {
                return true;
            }
        }

        return false;
    }

    // Nobody computes and someone asked to stop: the phase will not end. What was done before it is kept.
    private void AbandonIfStopped()
    {
        if (state.Stop is null || state.Completing is not null || SomeoneComputes())
        {
            return;
        }

        RunPhase kind = state.Phase!.Whole.Phase;
        Because("no worker computes, so the phase under way is abandoned");
        Emit(new RunEffect.ReleaseAccepted());
        if (kind is RunPhase.Training or RunPhase.Diagnosis)
        {
            WithdrawAll();
            state = state with { Phase = null, Stage = RunStage.Ready };
            Next();
        }
        else
        {
            // A validation is owed: a checkpoint here would lose it, so the last one stays.
            Finish(Interrupted());
        }
    }

    private void Fail(string sentence, Exception? cause)
    {
        if (state.Stage == RunStage.Ended)
        {
            return;
        }

        if (state.Stage == RunStage.Finishing)
        {
            Because($"the results could not be written: {sentence}");
            RunOutcome worst = state.Outcome is { Kind: RunOutcomeKind.Failed } first ? first : new RunOutcome(RunOutcomeKind.Failed, sentence, Cause: cause);
            state = state with { Stage = RunStage.Ended, Outcome = worst };
            return;
        }

        Finish(new RunOutcome(RunOutcomeKind.Failed, sentence, Cause: cause));
    }

    private void Finish(RunOutcome outcome)
    {
        if (state.Stage == RunStage.Computing)
        {
            WithdrawAll();
            Emit(new RunEffect.ReleaseAccepted());
        }

        Because($"the run ends: {outcome.Sentence}");
        outcome = outcome with { Counters = state.Counters };
        state = state with { Stage = RunStage.Finishing, Phase = null, Completing = null, Outcome = outcome };
        Emit(new RunEffect.Finish(outcome));
    }

    private void WithdrawAll()
    {
        foreach (WorkerState worker in state.Workers)
        {
            if (worker.Work is { } work)
            {
                Withdraw(worker, work);
            }
        }
    }

    private RunOutcome Finished() => new(
        RunOutcomeKind.Finished,
        state.Training.StoppedEarly
            ? $"Early stopping ended the training after epoch {state.Training.Epoch}."
            : $"All {Plan.Epochs} epochs are trained.");

    private RunOutcome Interrupted() => new(
        RunOutcomeKind.Interrupted,
        $"The run was interrupted after step {state.Training.Step}; it goes on from its last checkpoint with --resume.",
        state.Stop);
}

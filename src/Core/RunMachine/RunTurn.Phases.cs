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
            int stepInEpoch = state.Training.StepInEpoch;
            BeginPhase(RunPhase.Training, state.Training.Epoch, stepInEpoch, Plan.BatchSamples(stepInEpoch));
        }
    }

    private void BeginPhase(RunPhase kind, int epoch, int stepInEpoch, int samples)
    {
        int slices = Plan.SlicesOf(samples);
        var whole = new ShardWork(kind, epoch, state.Training.Step, stepInEpoch, new SliceRange(0, slices), slices, samples);
        state = state with { Stage = RunStage.Computing, Phase = new PhaseState { Whole = whole } };
        Dispatch(begins: true);
    }

    private void CompletePhase()
    {
        PhaseState phase = state.Phase!;
        state = state with { Stage = RunStage.Completing };
        switch (phase.Whole.Phase)
        {
            case RunPhase.Training:
                Emit(new RunEffect.CompleteStep(phase.Whole.Step));
                break;
            case RunPhase.Validation:
                Emit(new RunEffect.CompleteValidation());
                break;
            case RunPhase.Test:
                Emit(new RunEffect.CompleteTest());
                break;
            default:
                Emit(new RunEffect.ReleaseAccepted());
                AfterDiagnosis(phase);
                break;
        }
    }

    private void AfterStep(StepReport report)
    {
        Expect(RunStage.Completing);
        Invariant.Holds(report.Step == state.Training.Step);
        if (!report.Finite && !report.Skipped)
        {
            Count(c => c with { Diagnoses = c.Diagnoses + 1 });
            Because($"the gradient of step {report.Step} is not finite: the step is computed again to find where");
            PhaseState suspect = state.Phase!;
            state = state with
            {
                Stage = RunStage.Computing,
                Phase = new PhaseState { Whole = suspect.Whole with { Phase = RunPhase.Diagnosis }, Suspects = suspect.Accepted },
                Previous = null,
            };
            Dispatch(begins: true);
            return;
        }

        Invariant.Holds(report.State.Step == state.Training.Step + 1);
        Remember(report.Finite);
        state = state with { Training = report.State };
        if (!report.EpochEnded)
        {
            AfterUpdate();
        }
        else if (state.Definition.ValidationSamples > 0)
        {
            BeginPhase(RunPhase.Validation, state.Training.Epoch, 0, state.Definition.ValidationSamples);
        }
        else
        {
            AfterEpoch();
        }
    }

    private void AfterUpdate()
    {
        Training.CheckpointOptions options = state.Definition.Checkpoints;
        if (options.EverySteps is { } steps && state.Training.Step % steps == 0)
        {
            Checkpoint(string.Create(CultureInfo.InvariantCulture, $"every {steps} steps"));
        }
        else if (options.EverySeconds is { } seconds && nowMs - state.CheckpointMs >= seconds * 1000)
        {
            Checkpoint(string.Create(CultureInfo.InvariantCulture, $"every {seconds} s"));
        }
        else
        {
            Next();
        }
    }

    private void AfterEpoch() => Checkpoint("epoch end");

    private void Checkpoint(string why)
    {
        state = state with { Stage = RunStage.Checkpointing, Phase = null };
        Emit(new RunEffect.WriteCheckpoint(why));
    }

    private void AfterTraining()
    {
        if (state.Stop is not null)
        {
            Finish(Interrupted());
        }
        else if (state.Definition.TestSamples > 0)
        {
            Because("the test begins");
            BeginPhase(RunPhase.Test, state.Training.Epoch, 0, state.Definition.TestSamples);
        }
        else
        {
            Finish(Finished());
        }
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
        if (state.Stage == RunStage.Computing && state.Phase!.Whole.Phase == RunPhase.Test)
        {
            Finish(Interrupted());
        }
        else if (state.Stage == RunStage.Computing && !SomeoneComputes())
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
        if (state.Stop is null || SomeoneComputes())
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
        state = state with { Stage = RunStage.Finishing, Phase = null, Outcome = outcome };
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

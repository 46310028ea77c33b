using DistNet.Losses;
using DistNet.Optimizers;

namespace DistNet.Training;

/// <summary>How the training state moves: pure functions, so that a step depends on job, data, seed, parameters and state alone and a resumed run goes
/// the way an undisturbed one would.</summary>
/// <remarks>
/// The order of one epoch: each step is applied or skipped, then <see cref="AfterStep"/>; after the last (<see cref="IsEpochEnd"/>) the validation, if there is
/// one, then <see cref="AfterValidation"/>; <see cref="IsFinished"/> is asked after that.
/// </remarks>
public static class TrainingRules
{
    /// <summary>The learning rate of the step that <paramref name="state"/> is about to do.</summary>
    public static double LearningRate(Job job, TrainingPlan plan, TrainingState state)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(state);
        return job.Optimizer.LearningRate * Schedules.Factor(job.Schedule, new(state.Step, plan.TotalSteps, state.Epoch, state.PlateauFactor));
    }

    /// <summary>Whether the step just completed was the last of its epoch.</summary>
    public static bool IsEpochEnd(TrainingState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state.Step > 0 && state.StepInEpoch == 0;
    }

    /// <summary>Whether no step is left to do: all epochs are done, or early stopping has ended the run.</summary>
    public static bool IsFinished(Job job, TrainingPlan plan, TrainingState state)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(state);
        return state.StoppedEarly || state.Epoch >= plan.Epochs;
    }

    /// <summary>The state after a step: counters advance, the batch joins the epoch's running sums, and the epoch's last step closes them.</summary>
    /// <param name="job">The job.</param>
    /// <param name="plan">The sizes of the run.</param>
    /// <param name="state">The state the step started from.</param>
    /// <param name="batch">The whole batch's sums.</param>
    /// <param name="applied">False for a step skipped because of a non-finite gradient: it counts as a step, but neither as an update (t and β^t stay) nor
    /// in the epoch's loss, which would be NaN from then on.</param>
    public static TrainingState AfterStep(Job job, TrainingPlan plan, TrainingState state, NodeMetrics batch, bool applied)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(state);
        TrainingState next = applied
            ? state with
            {
                Updates = state.Updates + 1,
                Beta1Power = state.Beta1Power * job.Optimizer.Beta1,
                Beta2Power = state.Beta2Power * job.Optimizer.Beta2,
                EpochSums = state.EpochSums + batch,
            }
            : state with { SkippedSteps = state.SkippedSteps + 1 };
        next = next with { Step = state.Step + 1, StepInEpoch = state.StepInEpoch + 1 };
        return !plan.EndsEpoch(state.StepInEpoch)
            ? next
            : next with
            {
                Epoch = state.Epoch + 1,
                StepInEpoch = 0,
                EpochSums = default,
                LastTrainLoss = MeanLoss(next.EpochSums),
                LastTrainAccuracy = Accuracy(job, next.EpochSums),
            };
    }

    /// <summary>The state after the validation at an epoch's end: what the plateau schedule and early stopping remember.</summary>
    /// <param name="job">The job.</param>
    /// <param name="plan">The sizes of the run.</param>
    /// <param name="state">The state at the epoch's end.</param>
    /// <param name="validation">The whole validation split's sums.</param>
    /// <param name="isBest">Whether the parameters are the best so far: the loss fell below the best by more than early stopping's minimum improvement (0
    /// without early stopping). A loss that is NaN or infinite never is.</param>
    /// <remarks>Early stopping ends the run after <c>patience</c> validations in a row without a new best, as in Keras and Lightning. The plateau's factor
    /// applies after more than <c>patience</c> in a row, and any fall counts: PyTorch's <c>ReduceLROnPlateau(mode='min', threshold=0, cooldown=0, eps=0)</c>.</remarks>
    public static TrainingState AfterValidation(Job job, TrainingPlan plan, TrainingState state, NodeMetrics validation, out bool isBest)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(state);
        double loss = MeanLoss(validation);
        EarlyStoppingOptions? stopping = job.Training.EarlyStopping;
        isBest = loss < state.BestLoss - (stopping?.MinimumImprovement ?? 0);
        int epochsSinceBest = isBest ? 0 : state.EpochsSinceBest + 1;
        return AfterPlateau(job.Schedule, state, loss) with
        {
            BestLoss = isBest ? loss : state.BestLoss,
            BestEpoch = isBest ? state.Epoch : state.BestEpoch,
            EpochsSinceBest = epochsSinceBest,
            StoppedEarly = state.StoppedEarly || (stopping is not null && epochsSinceBest >= stopping.Patience),
            LastValidationLoss = loss,
            LastValidationAccuracy = Accuracy(job, validation),
        };
    }

    private static TrainingState AfterPlateau(ScheduleOptions schedule, TrainingState state, double loss)
    {
        if (schedule.Kind != ScheduleKind.Plateau)
        {
            return state;
        }

        if (loss < state.PlateauBestLoss)
        {
            return state with { PlateauBestLoss = loss, PlateauBadEpochs = 0 };
        }

        return state.PlateauBadEpochs + 1 <= schedule.Patience
            ? state with { PlateauBadEpochs = state.PlateauBadEpochs + 1 }
            : state with { PlateauBadEpochs = 0, PlateauFactor = Math.Max(state.PlateauFactor * schedule.Factor, schedule.Minimum) };
    }

    private static double MeanLoss(NodeMetrics sums) => sums.Loss / sums.Weight;

    private static double Accuracy(Job job, NodeMetrics sums) =>
        job.Loss.Kind == LossKind.MeanSquaredError ? double.NaN : (double)sums.Correct / sums.Samples;
}

using CsCheck;
using DistNet.Losses;
using DistNet.Optimizers;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

public sealed class TrainingRulesTests
{
    private static readonly TrainingPlan Plan = new(10, 4, 2, 3);

    private static readonly Job Plain = new() { Model = new([], ""), Training = new() { Epochs = 3, Batch = 4, Slice = 2 } };

    private static NodeMetrics Loss(double mean) => new(mean * 8, 8, 8, 2);

    [Fact]
    public void Steps_and_epochs_advance_by_the_plan()
    {
        TrainingState state = new();
        List<bool> epochEnds = [];
        while (!TrainingRules.IsFinished(Plain, Plan, state))
        {
            state = TrainingRules.AfterStep(Plain, Plan, state, Loss(1), applied: true);
            epochEnds.Add(TrainingRules.IsEpochEnd(state));
            Assert.Equal((state.Step / 3, state.Step % 3), (state.Epoch, state.StepInEpoch));
        }

        Assert.Equal(9, state.Step);
        Assert.Equal([false, false, true, false, false, true, false, false, true], epochEnds);
        Assert.False(TrainingRules.IsEpochEnd(new()));
    }

    [Fact]
    public void The_epochs_loss_is_the_sum_over_samples_by_their_weight_and_starts_anew_each_epoch()
    {
        TrainingState state = new();
        state = TrainingRules.AfterStep(Plain, Plan, state, new(6, 4, 4, 1), applied: true);
        state = TrainingRules.AfterStep(Plain, Plan, state, new(1, 2, 4, 2), applied: true);
        Assert.True(double.IsNaN(state.LastTrainLoss));
        Assert.Equal(new NodeMetrics(7, 6, 8, 3), state.EpochSums);
        state = TrainingRules.AfterStep(Plain, Plan, state, new(5, 2, 2, 2), applied: true);
        Assert.Equal(1.5, state.LastTrainLoss);
        Assert.Equal(0.5, state.LastTrainAccuracy);
        Assert.Equal(default, state.EpochSums);
    }

    [Fact]
    public void A_regression_has_no_accuracy()
    {
        Job job = Plain with { Loss = new() { Kind = LossKind.MeanSquaredError } };
        TrainingState state = TrainingRules.AfterStep(job, Plan with { SampleCount = 4 }, new(), Loss(1), applied: true);
        Assert.True(double.IsNaN(state.LastTrainAccuracy));
        Assert.Equal(1, state.LastTrainLoss);
        Assert.True(double.IsNaN(TrainingRules.AfterValidation(job, Plan, state, Loss(1), out _).LastValidationAccuracy));
    }

    [Fact]
    public void A_skipped_step_counts_as_a_step_and_leaves_t_and_the_epochs_loss_alone()
    {
        TrainingState before = TrainingRules.AfterStep(Plain, Plan, new(), Loss(1), applied: true);
        TrainingState after = TrainingRules.AfterStep(Plain, Plan, before, Loss(double.NaN), applied: false);
        Assert.Equal(before with { Step = 2, StepInEpoch = 2, SkippedSteps = 1 }, after);
    }

    [Fact]
    public void Powers_of_beta_are_chains_of_multiplications()
    {
        TrainingState state = new();
        double beta1 = 1;
        double beta2 = 1;
        for (int t = 1; t <= 50; t++)
        {
            state = TrainingRules.AfterStep(Plain, new(100, 1, 1, 1), state, Loss(1), applied: true);
            beta1 *= 0.9;
            beta2 *= 0.999;
            Assert.Equal((t, beta1, beta2), (state.Updates, state.Beta1Power, state.Beta2Power));
        }
    }

    [Fact]
    public void Early_stopping_ends_the_run_after_patience_epochs_without_a_new_best()
    {
        Job job = Plain with { Training = Plain.Training with { EarlyStopping = new(Patience: 2, MinimumImprovement: 0.1) } };
        (double Loss, bool Best, bool Stopped)[] epochs =
        [
            (1.0, true, false),
            (0.95, false, false),   // lower, but not by 0.1
            (0.85, true, false),
            (0.80, false, false),
            (0.76, false, true),    // still compared with 0.85
        ];
        TrainingState state = new();
        for (int epoch = 1; epoch <= epochs.Length; epoch++)
        {
            state = state with { Epoch = epoch };
            state = TrainingRules.AfterValidation(job, Plan with { Epochs = 100 }, state, Loss(epochs[epoch - 1].Loss), out bool isBest);
            Assert.Equal((epochs[epoch - 1].Best, epochs[epoch - 1].Stopped), (isBest, state.StoppedEarly));
        }

        Assert.Equal((0.85, 3, 0.76), (state.BestLoss, state.BestEpoch, state.LastValidationLoss));
        Assert.True(TrainingRules.IsFinished(job, Plan with { Epochs = 100 }, state));
    }

    [Fact]
    public void Without_early_stopping_the_best_is_known_and_nothing_stops()
    {
        TrainingState state = new();
        for (int epoch = 1; epoch <= 50; epoch++)
        {
            state = TrainingRules.AfterValidation(Plain, Plan, state with { Epoch = epoch }, Loss(epoch == 7 ? 0.5 : 1), out bool isBest);
            Assert.Equal(epoch is 1 or 7, isBest);
        }

        Assert.Equal((7, 43, false), (state.BestEpoch, state.EpochsSinceBest, state.StoppedEarly));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_validation_loss_that_is_not_finite_is_no_improvement(double loss)
    {
        Job job = Plain with { Training = Plain.Training with { EarlyStopping = new(2) }, Schedule = new() { Kind = ScheduleKind.Plateau, Patience = 0, Factor = 0.5 } };
        TrainingState state = TrainingRules.AfterValidation(job, Plan, new() { Epoch = 1 }, Loss(loss), out bool isBest);
        Assert.False(isBest);
        Assert.Equal((double.PositiveInfinity, 0, 1, 0.5), (state.BestLoss, state.BestEpoch, state.EpochsSinceBest, state.PlateauFactor));
        state = TrainingRules.AfterValidation(job, Plan, state with { Epoch = 2 }, Loss(1), out isBest);
        Assert.True(isBest);
        Assert.Equal((1, 2, 0, 0.5), (state.BestLoss, state.BestEpoch, state.EpochsSinceBest, state.PlateauFactor));
    }

    [Fact]
    public void The_plateaus_factor_never_falls_below_its_minimum()
    {
        Job job = Plain with { Schedule = new() { Kind = ScheduleKind.Plateau, Patience = 0, Factor = 0.1, Minimum = 0.05 } };
        TrainingState state = new();
        List<double> factors = [];
        for (int epoch = 1; epoch <= 4; epoch++)
        {
            state = TrainingRules.AfterValidation(job, Plan, state with { Epoch = epoch }, Loss(1), out _);
            factors.Add(state.PlateauFactor);
        }

        Assert.Equal([1, 0.1, 0.05, 0.05], factors);
    }

    [Fact]
    public void Other_schedules_leave_the_plateaus_memory_alone()
    {
        TrainingState state = TrainingRules.AfterValidation(Plain, Plan, new() { Epoch = 1 }, Loss(1), out _);
        Assert.Equal((1, double.PositiveInfinity, 0), (state.PlateauFactor, state.PlateauBestLoss, state.PlateauBadEpochs));
    }

    [Fact]
    public void The_rules_depend_on_nothing_but_their_arguments()
    {
        Gen.Select(Gen.Double[0, 2].Array[1, 40], Gen.Bool.Array[40], Gen.Int[0, 39]).Sample((losses, applied, cut) =>
        {
            // Going on from a state that was kept, as a resume does, is going on.
            TrainingState kept = Run(new(), losses, applied, 0, Math.Min(cut, losses.Length));
            Assert.Equal(Run(new(), losses, applied, 0, losses.Length), Run(kept with { }, losses, applied, Math.Min(cut, losses.Length), losses.Length));
        });
    }

    private static TrainingState Run(TrainingState state, double[] losses, bool[] applied, int from, int to)
    {
        Job job = Plain with { Training = Plain.Training with { EarlyStopping = new(3) }, Schedule = new() { Kind = ScheduleKind.Plateau, Patience = 1 } };
        for (int i = from; i < to; i++)
        {
            state = TrainingRules.AfterStep(job, Plan, state, Loss(losses[i]), applied[i]);
            if (TrainingRules.IsEpochEnd(state))
            {
                state = TrainingRules.AfterValidation(job, Plan, state, Loss(losses[i]), out _);
            }
        }

        return state;
    }
}

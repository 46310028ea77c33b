using System.Text.Json;
using DistNet.Optimizers;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

/// <summary>Schedules against PyTorch's schedulers (tests/goldens/optimizers.py) and at their edges.</summary>
public sealed class ScheduleTests
{
    private const double Rate = 0.25;

    private static readonly Lazy<JsonDocument> Golden = new(() => JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Goldens", "optimizers.json"))));

    [Fact]
    public void Step_is_PyTorchs_StepLR() =>
        AssertRates("step", EpochRates(new() { Kind = ScheduleKind.Step, EveryEpochs = 3, Factor = 0.5 }, 20));

    [Fact]
    public void Exponential_is_PyTorchs_ExponentialLR() =>
        AssertRates("exponential", EpochRates(new() { Kind = ScheduleKind.Exponential, Factor = 0.9 }, 20));

    [Fact]
    public void Cosine_is_PyTorchs_CosineAnnealingLR() =>
        AssertRates("cosine", StepRates(new() { Kind = ScheduleKind.Cosine, Minimum = 0.1 }, 60));

    [Fact]
    public void One_cycle_is_PyTorchs_OneCycleLR() =>
        AssertRates("oneCycle", StepRates(new() { Kind = ScheduleKind.OneCycle, RiseShare = 0.3, InitialFactor = 0.04, Minimum = 0.1 }, 60));

    [Fact]
    public void Warm_up_is_PyTorchs_LinearLR() => AssertRates("warmup", StepRates(new() { WarmupSteps = 8 }, 20));

    [Fact]
    public void Plateau_is_PyTorchs_ReduceLROnPlateau()
    {
        Job job = JobOf(new() { Kind = ScheduleKind.Plateau, Factor = 0.5, Patience = 2, Minimum = 0.03 / Rate });
        TrainingPlan plan = new(1, 1, 1, 20);
        TrainingState state = new();
        List<double> rates = [];
        foreach (JsonElement loss in Golden.Value.RootElement.GetProperty("validationLosses").EnumerateArray())
        {
            rates.Add(TrainingRules.LearningRate(job, plan, state));
            state = TrainingRules.AfterStep(job, plan, state, new(1, 1, 1, 0), applied: true);
            state = TrainingRules.AfterValidation(job, plan, state, new(loss.GetDouble() * 8, 8, 8, 0), out _);
        }

        AssertRates("plateau", [.. rates]);
    }

    [Fact]
    public void Warm_up_multiplies_every_schedule_but_one_cycle()
    {
        foreach (ScheduleKind kind in Enum.GetValues<ScheduleKind>().Where(kind => kind != ScheduleKind.OneCycle))
        {
            ScheduleOptions options = new() { Kind = kind, WarmupSteps = 4, Factor = 0.5, EveryEpochs = 1 };
            double[] factors = [.. Enumerable.Range(0, 5).Select(step => Schedules.Factor(options, new(step, 100, 0, 1)))];
            Assert.Equal([0.2, 0.4, 0.6, 0.8, 1], factors);
        }
    }

    [Fact]
    public void A_cosine_spans_the_steps_after_the_warm_up()
    {
        ScheduleOptions options = new() { Kind = ScheduleKind.Cosine, WarmupSteps = 10, Minimum = 0.2 };
        Assert.Equal(1, Schedules.Factor(options, new(10, 30, 0, 1)));
        Assert.Equal(0.6, Schedules.Factor(options, new(20, 30, 0, 1)), 1e-15);
        Assert.Equal(0.2, Schedules.Factor(options, new(30, 30, 0, 1)), 1e-15);
    }

    [Fact]
    public void A_warm_up_longer_than_the_run_only_rises()
    {
        ScheduleOptions options = new() { Kind = ScheduleKind.Cosine, WarmupSteps = 100 };
        double[] factors = [.. Enumerable.Range(0, 10).Select(step => Schedules.Factor(options, new(step, 10, 0, 1)))];
        Assert.Equal(factors.Order(), factors);
        Assert.Equal(10 / 101.0, factors[^1]);
    }

    [Fact]
    public void Every_factor_of_every_schedule_and_length_lies_in_0_to_1()
    {
        foreach (ScheduleKind kind in Enum.GetValues<ScheduleKind>())
        {
            for (int total = 1; total <= 40; total++)
            {
                for (int step = 0; step < total; step++)
                {
                    foreach (double rise in new[] { 0.01, 0.3, 0.99 })
                    {
                        ScheduleOptions options = new() { Kind = kind, RiseShare = rise, WarmupSteps = kind == ScheduleKind.OneCycle ? 0 : 3 };
                        Assert.InRange(Schedules.Factor(options, new(step, total, step / 2, 1)), 0, 1);
                    }
                }
            }
        }
    }

    [Fact]
    public void Step_keeps_the_rate_to_the_end_of_its_epochs()
    {
        ScheduleOptions options = new() { Kind = ScheduleKind.Step, EveryEpochs = 2, Factor = 0.1 };
        Assert.Equal([1, 1, 0.1, 0.1, 0.1 * 0.1], Enumerable.Range(0, 5).Select(epoch => Schedules.Factor(options, new(0, 9, epoch, 1))));
    }

    [Fact]
    public void Only_schedules_that_stretch_over_the_run_depend_on_its_epochs()
    {
        foreach (ScheduleKind kind in Enum.GetValues<ScheduleKind>())
        {
            ScheduleOptions options = new() { Kind = kind };
            bool differs = Enumerable.Range(0, 100).Any(step =>
                Schedules.Factor(options, new(step, 100, step / 10, 1)) != Schedules.Factor(options, new(step, 200, step / 10, 1)));
            Assert.Equal(differs, Schedules.DependsOnEpochs(options));
        }
    }

    private static Job JobOf(ScheduleOptions schedule) => new() { Model = new([], ""), Optimizer = new() { LearningRate = Rate }, Schedule = schedule };

    private static double[] StepRates(ScheduleOptions schedule, int steps) =>
        [.. Enumerable.Range(0, steps).Select(step => TrainingRules.LearningRate(JobOf(schedule), new(steps, 1, 1, 1), new() { Step = step, StepInEpoch = step }))];

    private static double[] EpochRates(ScheduleOptions schedule, int epochs) =>
        [.. Enumerable.Range(0, epochs).Select(epoch => TrainingRules.LearningRate(JobOf(schedule), new(3, 1, 1, epochs), new() { Step = epoch * 3, Epoch = epoch }))];

    private static void AssertRates(string name, double[] rates)
    {
        double[] expected = [.. Golden.Value.RootElement.GetProperty("rates").GetProperty(name).EnumerateArray().Select(rate => rate.GetDouble())];
        Assert.True(expected.Length >= 20);
        for (int i = 0; i < expected.Length; i++)
        {
            // PyTorch multiplies on from step to step, so that its own rounding errors add up.
            Assert.Equal(expected[i], rates[i], 1e-13);
        }
    }
}

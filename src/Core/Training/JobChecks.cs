using System.Globalization;
using DistNet.Data;
using DistNet.Losses;
using DistNet.Optimizers;
using DistNet.Runs;

namespace DistNet.Training;

/// <summary>Checks every number of a job before anything is read or trained. Each failure is one sentence that names the key, what was found and what was
/// expected; job files and library users get the same ones.</summary>
/// <remarks>The model, and what only the data can tell (widths, classes), are checked where the graph is built and the data is loaded.</remarks>
public static class JobChecks
{
    /// <summary>Checks all sections and how they go together.</summary>
    /// <param name="job">The job.</param>
    /// <param name="hasValidation">Whether there are validation samples, for a library user who hands over datasets; left out, <see cref="Job.Data"/> tells, and without it
    /// what needs a validation split is not checked.</param>
    /// <exception cref="DistNetException">A value is out of its range, or two do not go together.</exception>
    public static void Check(Job job, bool? hasValidation = null)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (job.Data is not null)
        {
            Check(job.Data);
        }

        Check(job.Loss);
        Check(job.Optimizer);
        Check(job.Regularization);
        Check(job.Schedule);
        Check(job.Training);
        Check(job.Checkpoints);
        bool validates = hasValidation ?? (job.Data is null || job.Data.Validation is not null || job.Data.ValidationShare > 0);
        if (!validates && job.Schedule.Kind == ScheduleKind.Plateau)
        {
            throw DistNetException.BadInput("schedule.kind is plateau, which follows the validation loss, but there is no validation data; set data.validation to a share such as 0.2, or choose another schedule");
        }

        if (!validates && job.Training.EarlyStopping is not null)
        {
            throw DistNetException.BadInput("training.earlyStopping follows the validation loss, but there is no validation data; set data.validation to a share such as 0.2, or leave earlyStopping out");
        }
    }

    /// <summary>Checks the <c>data</c> section's numbers.</summary>
    /// <exception cref="DistNetException">A value is out of its range.</exception>
    public static void Check(DataOptions data)
    {
        ArgumentNullException.ThrowIfNull(data);
        Expect(data.ValidationShare is >= 0 and < 1, "data.validation", data.ValidationShare, "a share of at least 0 and below 1, or files");
        foreach ((string column, ColumnRule rule) in data.Columns.Rules)
        {
            Check($"data.columns.{column}", rule);
        }

        if (data.Channels is not (1 or 3))
        {
            throw DistNetException.BadInput(Invariant($"data.channels is {data.Channels}; expected 1 or 3"));
        }

        if (data.Normalize == NormalizeMode.Channel && data.Columns.Rules.Any(rule => !rule.Rule.IsNumber))
        {
            throw DistNetException.BadInput("data.normalize is channel, one mean and deviation for all columns, but data.columns has categories; expected feature or none");
        }
    }

    private static void Check(string key, ColumnRule rule)
    {
        if (rule.IsNumber)
        {
            bool holds = rule.Missing is null or ColumnRule.Mean or ColumnRule.Median or ColumnRule.Zero or ColumnRule.MostFrequent
                || (float.TryParse(rule.Missing, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value));
            if (!holds)
            {
                throw DistNetException.BadInput($"{key}.missing is '{rule.Missing}'; expected mean, median, zero, most-frequent or a finite number, as the column holds numbers");
            }

            if (rule.Unknown != UnknownCategory.Refuse)
            {
                throw DistNetException.BadInput($"{key}.unknown is own, which is for categories; expected {key}.categories beside it");
            }
        }
        else if (rule.Missing is ColumnRule.Mean or ColumnRule.Median or ColumnRule.Zero)
        {
            throw DistNetException.BadInput($"{key}.missing is {rule.Missing}, which is for numbers; expected most-frequent or a category");
        }
    }

    /// <summary>Checks the <c>loss</c> section.</summary>
    /// <exception cref="DistNetException">A value is out of its range, or two do not go together.</exception>
    public static void Check(LossOptions loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        ExpectShare("loss.labelSmoothing", loss.LabelSmoothing);
        if (loss.LabelSmoothing > 0 && loss.Kind != LossKind.CrossEntropy)
        {
            throw DistNetException.BadInput($"loss.labelSmoothing is set, but loss.kind is {Name(loss.Kind)}; label smoothing is for cross-entropy");
        }

        if (loss.ClassWeights.IsDefaultOrEmpty)
        {
            return;
        }

        if (loss.Kind != LossKind.CrossEntropy)
        {
            throw DistNetException.BadInput($"loss.classWeights is set, but loss.kind is {Name(loss.Kind)}; class weights are for cross-entropy");
        }

        for (int i = 0; i < loss.ClassWeights.Length; i++)
        {
            ExpectAtLeast0(string.Create(CultureInfo.InvariantCulture, $"loss.classWeights[{i}]"), loss.ClassWeights[i]);
        }

        if (loss.ClassWeights.All(weight => weight == 0))
        {
            throw DistNetException.BadInput("loss.classWeights are all 0; expected at least one above 0");
        }
    }

    /// <summary>Checks the <c>optimizer</c> section.</summary>
    /// <exception cref="DistNetException">A value is out of its range, or two do not go together.</exception>
    public static void Check(OptimizerOptions optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        ExpectAbove0("optimizer.learningRate", optimizer.LearningRate);
        ExpectAtLeast0("optimizer.weightDecay", optimizer.WeightDecay);
        ExpectShare("optimizer.momentum", optimizer.Momentum);
        ExpectShare("optimizer.beta1", optimizer.Beta1);
        ExpectShare("optimizer.beta2", optimizer.Beta2);
        Expect((float)optimizer.Epsilon > 0 && float.IsFinite((float)optimizer.Epsilon), "optimizer.epsilon", optimizer.Epsilon, "a number above 0, as a 32-bit float too");
        if (optimizer.ClipNorm is double clipNorm)
        {
            ExpectAbove0("optimizer.clipNorm", clipNorm);
        }

        if (optimizer.EmaDecay is double emaDecay)
        {
            ExpectShare("optimizer.emaDecay", emaDecay);
        }

        if (optimizer.Kind == OptimizerKind.Adam && optimizer.WeightDecay > 0)
        {
            throw DistNetException.BadInput(Invariant($"optimizer.weightDecay is {optimizer.WeightDecay}, but optimizer.kind is adam, whose moments a decay would pass through; choose adamw for decoupled decay, or regularization.l2: {optimizer.WeightDecay / 2} for what PyTorch's Adam calls weight_decay={optimizer.WeightDecay}"));
        }

        if (optimizer.LearningRate * optimizer.WeightDecay > 1)
        {
            throw DistNetException.BadInput(Invariant($"optimizer.weightDecay is {optimizer.WeightDecay}, so that a step at learning rate {optimizer.LearningRate} would turn the weights' signs; expected at most 1 / learningRate"));
        }

        if (optimizer.Kind != OptimizerKind.Sgd && optimizer.Momentum > 0)
        {
            throw DistNetException.BadInput(Invariant($"optimizer.momentum is {optimizer.Momentum}, but optimizer.kind is {Name(optimizer.Kind)}; momentum is for sgd, and beta1 takes its place here"));
        }

        if (optimizer.Nesterov && (optimizer.Kind != OptimizerKind.Sgd || optimizer.Momentum == 0))
        {
            throw DistNetException.BadInput(Invariant($"optimizer.nesterov is true, but optimizer.kind is {Name(optimizer.Kind)} with momentum {optimizer.Momentum}; expected sgd with a momentum above 0"));
        }
    }

    /// <summary>Checks the <c>regularization</c> section.</summary>
    /// <exception cref="DistNetException">A value is out of its range.</exception>
    public static void Check(RegularizationOptions regularization)
    {
        ArgumentNullException.ThrowIfNull(regularization);
        ExpectAtLeast0("regularization.l1", regularization.L1);
        ExpectAtLeast0("regularization.l2", regularization.L2);
    }

    /// <summary>Checks the <c>schedule</c> section.</summary>
    /// <exception cref="DistNetException">A value is out of its range, or two do not go together.</exception>
    public static void Check(ScheduleOptions schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ExpectCount("schedule.warmupSteps", schedule.WarmupSteps, 0);
        Expect(schedule.Factor is > 0 and <= 1, "schedule.factor", schedule.Factor, "a number above 0 and at most 1");
        ExpectCount("schedule.everyEpochs", schedule.EveryEpochs, 1);
        Expect(schedule.Minimum is >= 0 and <= 1, "schedule.minimum", schedule.Minimum, "a factor from 0 to 1");
        ExpectCount("schedule.patience", schedule.Patience, 0);
        Expect(schedule.RiseShare is > 0 and < 1, "schedule.riseShare", schedule.RiseShare, "a share above 0 and below 1");
        Expect(schedule.InitialFactor is > 0 and <= 1, "schedule.initialFactor", schedule.InitialFactor, "a number above 0 and at most 1");
        if (schedule.Kind == ScheduleKind.OneCycle && schedule.WarmupSteps > 0)
        {
            throw DistNetException.BadInput(Invariant($"schedule.warmupSteps is {schedule.WarmupSteps}, but schedule.kind is one-cycle, which rises by itself; leave it out and set schedule.riseShare"));
        }
    }

    /// <summary>Checks the <c>training</c> section.</summary>
    /// <exception cref="DistNetException">A value is out of its range.</exception>
    public static void Check(TrainingOptions training)
    {
        ArgumentNullException.ThrowIfNull(training);
        ExpectCount("training.epochs", training.Epochs, 1);
        ExpectCount("training.batch", training.Batch, 1, CanonicalSum.MaximumSlices);
        ExpectCount("training.slice", training.Slice, 1);
        if (training.EarlyStopping is EarlyStoppingOptions stopping)
        {
            ExpectCount("training.earlyStopping.patience", stopping.Patience, 1);
            ExpectAtLeast0("training.earlyStopping.minimumImprovement", stopping.MinimumImprovement);
        }
    }

    /// <summary>Checks the <c>checkpoints</c> section.</summary>
    /// <exception cref="DistNetException">A value is out of its range.</exception>
    public static void Check(CheckpointOptions checkpoints)
    {
        ArgumentNullException.ThrowIfNull(checkpoints);
        if (checkpoints.EverySeconds is double seconds)
        {
            ExpectAbove0("checkpoints.everySeconds", seconds);
        }

        if (checkpoints.EverySteps is long steps)
        {
            ExpectCount("checkpoints.everySteps", steps, 1);
        }

        ExpectCount("checkpoints.keep", checkpoints.Keep, 1);
    }

    private static void ExpectAbove0(string key, double value) => Expect(value > 0 && double.IsFinite(value), key, value, "a number above 0");

    private static void ExpectAtLeast0(string key, double value) => Expect(value >= 0 && double.IsFinite(value), key, value, "a number of at least 0");

    private static void ExpectShare(string key, double value) => Expect(value is >= 0 and < 1, key, value, "a number of at least 0 and below 1");

    private static void Expect(bool holds, string key, double value, string expected)
    {
        if (!holds)
        {
            throw DistNetException.BadInput(Invariant($"{key} is {value}; expected {expected}"));
        }
    }

    private static void ExpectCount(string key, long value, long least, long most = long.MaxValue)
    {
        if (value < least)
        {
            throw DistNetException.BadInput(Invariant($"{key} is {value}; expected a whole number of at least {least}"));
        }

        if (value > most)
        {
            throw DistNetException.BadInput(Invariant($"{key} is {value}; expected a whole number of at most {most}"));
        }
    }

    private static string Name(OptimizerKind kind) => kind switch { OptimizerKind.Sgd => "sgd", OptimizerKind.Adam => "adam", _ => "adamw" };

    private static string Name(LossKind kind) => kind switch
    {
        LossKind.CrossEntropy => "cross-entropy",
        LossKind.BinaryCrossEntropy => "binary-cross-entropy",
        _ => "mean-squared-error",
    };

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

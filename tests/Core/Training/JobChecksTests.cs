using DistNet.Losses;
using DistNet.Optimizers;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

public sealed class JobChecksTests
{
    private static readonly Job Good = new() { Model = new([], ""), Data = new() { Train = new("train.csv"), ValidationShare = 0.2 } };

    // Each row: a job with one fault, and the whole sentence it gets.
    private static readonly (Job Job, string Sentence)[] Faults =
    [
        (WithOptimizer(o => o with { LearningRate = -1 }), "optimizer.learningRate is -1; expected a number above 0"),
        (WithOptimizer(o => o with { LearningRate = 0 }), "optimizer.learningRate is 0; expected a number above 0"),
        (WithOptimizer(o => o with { LearningRate = double.NaN }), "optimizer.learningRate is NaN; expected a number above 0"),
        (WithOptimizer(o => o with { LearningRate = double.PositiveInfinity }), "optimizer.learningRate is Infinity; expected a number above 0"),
        (WithOptimizer(o => o with { WeightDecay = -0.5 }), "optimizer.weightDecay is -0.5; expected a number of at least 0"),
        (WithOptimizer(o => o with { WeightDecay = 2000 }), "optimizer.weightDecay is 2000, so that a step at learning rate 0.001 would turn the weights' signs; expected at most 1 / learningRate"),
        (WithOptimizer(o => o with { Kind = OptimizerKind.Adam, WeightDecay = 0.01 }), "optimizer.weightDecay is 0.01, but optimizer.kind is adam, whose moments a decay would pass through; choose adamw for decoupled decay, or regularization.l2: 0.005 for what PyTorch's Adam calls weight_decay=0.01"),
        (WithOptimizer(o => o with { Kind = OptimizerKind.Sgd, Momentum = 1 }), "optimizer.momentum is 1; expected a number of at least 0 and below 1"),
        (WithOptimizer(o => o with { Momentum = 0.9 }), "optimizer.momentum is 0.9, but optimizer.kind is adamw; momentum is for sgd, and beta1 takes its place here"),
        (WithOptimizer(o => o with { Kind = OptimizerKind.Sgd, Nesterov = true }), "optimizer.nesterov is true, but optimizer.kind is sgd with momentum 0; expected sgd with a momentum above 0"),
        (WithOptimizer(o => o with { Nesterov = true }), "optimizer.nesterov is true, but optimizer.kind is adamw with momentum 0; expected sgd with a momentum above 0"),
        (WithOptimizer(o => o with { Beta1 = 1 }), "optimizer.beta1 is 1; expected a number of at least 0 and below 1"),
        (WithOptimizer(o => o with { Beta2 = -0.1 }), "optimizer.beta2 is -0.1; expected a number of at least 0 and below 1"),
        (WithOptimizer(o => o with { Epsilon = 0 }), "optimizer.epsilon is 0; expected a number above 0, as a 32-bit float too"),
        (WithOptimizer(o => o with { Epsilon = 1E-60 }), "optimizer.epsilon is 1E-60; expected a number above 0, as a 32-bit float too"),
        (WithOptimizer(o => o with { ClipNorm = 0 }), "optimizer.clipNorm is 0; expected a number above 0"),
        (WithOptimizer(o => o with { EmaDecay = 1 }), "optimizer.emaDecay is 1; expected a number of at least 0 and below 1"),
        (WithOptimizer(o => o with { EmaDecay = -0.5 }), "optimizer.emaDecay is -0.5; expected a number of at least 0 and below 1"),
        (WithOptimizer(o => o with { EmaDecay = double.NaN }), "optimizer.emaDecay is NaN; expected a number of at least 0 and below 1"),
        (Good with { Regularization = new() { L1 = -1 } }, "regularization.l1 is -1; expected a number of at least 0"),
        (Good with { Regularization = new() { L2 = double.NaN } }, "regularization.l2 is NaN; expected a number of at least 0"),
        (WithSchedule(new() { WarmupSteps = -1 }), "schedule.warmupSteps is -1; expected a whole number of at least 0"),
        (WithSchedule(new() { Factor = 0 }), "schedule.factor is 0; expected a number above 0 and at most 1"),
        (WithSchedule(new() { EveryEpochs = 0 }), "schedule.everyEpochs is 0; expected a whole number of at least 1"),
        (WithSchedule(new() { Minimum = 1.5 }), "schedule.minimum is 1.5; expected a factor from 0 to 1"),
        (WithSchedule(new() { Patience = -1 }), "schedule.patience is -1; expected a whole number of at least 0"),
        (WithSchedule(new() { RiseShare = 1 }), "schedule.riseShare is 1; expected a share above 0 and below 1"),
        (WithSchedule(new() { InitialFactor = 0 }), "schedule.initialFactor is 0; expected a number above 0 and at most 1"),
        (WithSchedule(new() { Kind = ScheduleKind.OneCycle, WarmupSteps = 50 }), "schedule.warmupSteps is 50, but schedule.kind is one-cycle, which rises by itself; leave it out and set schedule.riseShare"),
        (WithSchedule(new() { Kind = ScheduleKind.Plateau }) with { Data = new() { Train = new("train.csv") } }, "schedule.kind is plateau, which follows the validation loss, but there is no validation data; set data.validation to a share such as 0.2, or choose another schedule"),
        (WithTraining(t => t with { EarlyStopping = new(3) }) with { Data = new() { Train = new("train.csv") } }, "training.earlyStopping follows the validation loss, but there is no validation data; set data.validation to a share such as 0.2, or leave earlyStopping out"),
        (WithTraining(t => t with { Epochs = 0 }), "training.epochs is 0; expected a whole number of at least 1"),
        (WithTraining(t => t with { Batch = 0 }), "training.batch is 0; expected a whole number of at least 1"),
        (WithTraining(t => t with { Batch = int.MaxValue }), "training.batch is 2147483647; expected a whole number of at most 1073741824"),
        (WithTraining(t => t with { Slice = -3 }), "training.slice is -3; expected a whole number of at least 1"),
        (WithTraining(t => t with { EarlyStopping = new(0) }), "training.earlyStopping.patience is 0; expected a whole number of at least 1"),
        (WithTraining(t => t with { EarlyStopping = new(1, -1) }), "training.earlyStopping.minimumImprovement is -1; expected a number of at least 0"),
        (Good with { Data = Good.Data! with { ValidationShare = 1 } }, "data.validation is 1; expected a share of at least 0 and below 1, or files"),
        (Good with { Loss = new() { ClassWeights = [1, -2] } }, "loss.classWeights[1] is -2; expected a number of at least 0"),
        (Good with { Loss = new() { LabelSmoothing = -0.1 } }, "loss.labelSmoothing is -0.1; expected a number of at least 0 and below 1"),
        (Good with { Loss = new() { Kind = LossKind.BinaryCrossEntropy, LabelSmoothing = 0.1 } }, "loss.labelSmoothing is set, but loss.kind is binary-cross-entropy; label smoothing is for cross-entropy"),
        (Good with { Loss = new() { LabelSmoothing = 1 } }, "loss.labelSmoothing is 1; expected a number of at least 0 and below 1"),
        (Good with { Loss = new() { Kind = LossKind.MeanSquaredError, LabelSmoothing = 0.1 } }, "loss.labelSmoothing is set, but loss.kind is mean-squared-error; label smoothing is for cross-entropy"),
        (Good with { Loss = new() { ClassWeights = [0, 0] } }, "loss.classWeights are all 0; expected at least one above 0"),
        (Good with { Loss = new() { Kind = LossKind.MeanSquaredError, ClassWeights = [1, 2] } }, "loss.classWeights is set, but loss.kind is mean-squared-error; class weights are for cross-entropy"),
        (Good with { Checkpoints = new() { EverySeconds = 0 } }, "checkpoints.everySeconds is 0; expected a number above 0"),
        (Good with { Checkpoints = new() { EverySteps = 0 } }, "checkpoints.everySteps is 0; expected a whole number of at least 1"),
        (Good with { Checkpoints = new() { Keep = 0 } }, "checkpoints.keep is 0; expected a whole number of at least 1"),
    ];

    public static IEnumerable<ITheoryDataRow> Rows => Faults.Select((fault, i) => new TheoryDataRow<int>(i).WithTestDisplayName(fault.Sentence));

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_fault_gets_its_sentence(int row)
    {
        DistNetException failure = Assert.Throws<DistNetException>(() => JobChecks.Check(Faults[row].Job));
        Assert.Equal(Faults[row].Sentence, failure.Message);
        Assert.Equal(FailureKind.BadInput, failure.Kind);
    }

    [Fact]
    public void Sound_jobs_pass()
    {
        JobChecks.Check(Good);
        JobChecks.Check(new Job { Model = new([], "") });
        JobChecks.Check(Good with { Optimizer = new() { Kind = OptimizerKind.Sgd, Momentum = 0.9, Nesterov = true, WeightDecay = 0.1, ClipNorm = 1 } });
        JobChecks.Check(Good with { Schedule = new() { Kind = ScheduleKind.Plateau }, Training = new() { EarlyStopping = new(1) } });
        JobChecks.Check(Good with { Data = new() { Train = new("a.csv"), Validation = new("b.csv") }, Schedule = new() { Kind = ScheduleKind.Plateau } });
        JobChecks.Check(Good with { Loss = new() { ClassWeights = [1, 0, 2.5f] } });
        JobChecks.Check(Good with { Loss = new() { ClassWeights = [1, 2], LabelSmoothing = 0.999 } });
        JobChecks.Check(Good with { Optimizer = new() { EmaDecay = 0 } });
    }

    [Fact]
    public void Whether_there_is_validation_data_can_be_told_by_who_hands_over_datasets()
    {
        Job job = new() { Model = new([], ""), Schedule = new() { Kind = ScheduleKind.Plateau } };
        JobChecks.Check(job);
        JobChecks.Check(job, hasValidation: true);
        Assert.Throws<DistNetException>(() => JobChecks.Check(job, hasValidation: false));
    }

    private static Job WithOptimizer(Func<OptimizerOptions, OptimizerOptions> change) => Good with { Optimizer = change(Good.Optimizer) };

    private static Job WithSchedule(ScheduleOptions schedule) => Good with { Schedule = schedule };

    private static Job WithTraining(Func<TrainingOptions, TrainingOptions> change) => Good with { Training = change(Good.Training) };
}

using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Optimizers;
using DistNet.Training;

namespace DistNet.Jobs;

/// <summary>The table of all keys of the job file, in the order in which a job is written. Defaults are those of the option records.</summary>
public static class JobKeys
{
    private static readonly NumberType NotNegative = new() { Minimum = 0 };
    private static readonly NumberType Positive = new() { Minimum = 0, AboveMinimum = true };
    private static readonly NumberType ShareBelowOne = new() { Minimum = 0, Maximum = 1, BelowMaximum = true };
    private static readonly NumberType ShareUpToOne = new() { Minimum = 0, AboveMinimum = true, Maximum = 1 };
    private static readonly IntegerType Count = new(1, int.MaxValue);

    /// <summary>The sections, in order.</summary>
    public static ImmutableArray<JobSectionKey> Sections { get; } =
    [
        new("data", "The files, which part of them validates, and how inputs are normalised. Paths are relative to the job file, or to `--data DIR`.")
        {
            IsPresent = job => job.Data is not null,
            SetPresent = (job, present) => job with { Data = present ? job.Data ?? new DataOptions { Train = new DataFiles() } : null },
        },
        new("loss", "The loss on the model's output. A single word is its `kind`.") { Shorthand = "kind" },
        new("optimizer", "The update rule. A single word is its `kind`.") { Shorthand = "kind" },
        new("regularization", "Penalties added to the loss, so that their gradients are coupled. They apply to biases only with `optimizer.decayBiases`."),
        new("schedule", "A factor on the learning rate over the run. A single word is its `kind`.") { Shorthand = "kind" },
        new("training", "How long, in what portions and in which order."),
        new("training.earlyStopping", "Stops when the validation loss no longer falls and restores the best parameters; null trains all epochs and keeps the last.")
        {
            IsPresent = job => job.Training.EarlyStopping is not null,
            SetPresent = (job, present) => Train(job, job.Training with { EarlyStopping = present ? job.Training.EarlyStopping ?? new(Patience: 5) : null }),
        },
        new("training.initializeFrom", "Parameters of a safetensors file to start from, by name, in place of random ones. A single word is its `file`; null starts at random.")
        {
            Shorthand = "file",
            IsPresent = job => job.Training.InitializeFrom is not null,
            SetPresent = (job, present) => Train(job, job.Training with { InitializeFrom = present ? job.Training.InitializeFrom ?? new("") : null }),
        },
        new("checkpoints", "When checkpoints are written besides each epoch's end, and how many are kept. Cannot change the result."),
    ];

    /// <summary>The keys, in order, those of one section side by side.</summary>
    public static ImmutableArray<JobKey> All { get; } = [.. DataKeys(), ModelKey(), .. LossKeys(), .. OptimizerKeys(), .. ScheduleKeys(), .. TrainingKeys()];

    /// <summary>A job with every default, an empty model and no file names.</summary>
    public static Job Defaults { get; } = Sections.Where(section => section.SetPresent is not null).Aggregate(
        new Job { Model = new ModelDefinition([], "") }, (job, section) => section.SetPresent!(job, true));

    private static IEnumerable<JobKey> DataKeys()
    {
        yield return new("data.format", new WordType(("csv", DataFormat.Csv), ("parquet", DataFormat.Parquet), ("idx", DataFormat.Idx), ("npy", DataFormat.Npy), ("images", DataFormat.Images)),
            "The files' format: `csv` (text, one sample a line), gzip or not; `parquet` (a table whose columns have names and types); `idx` (the format of MNIST), gzip or not; `npy` (NumPy's npy and npz); `images` (a folder with a folder of PNG and JPEG files for each class). See [formats](#formats).",
            job => job.Data!.Format, (job, value) => Data(job, job.Data! with { Format = (DataFormat)value! }));
        yield return new("data.train", new DataFilesType(allowShare: false), "The training files.",
            job => job.Data!.Train, (job, value) => Data(job, job.Data! with { Train = (DataFiles)value! })) { Required = true };
        yield return new("data.validation", new DataFilesType(allowShare: true),
            "A share of the training samples kept apart, split keyed by the seed (0 for none), or files of their own.",
            job => job.Data!.Validation ?? (object)job.Data.ValidationShare,
            (job, value) => Data(job, value is double share
                ? job.Data! with { ValidationShare = share, Validation = null }
                : job.Data! with { ValidationShare = 0, Validation = (DataFiles)value! }));
        yield return new("data.test", new OptionalType(new DataFilesType(allowShare: false)), "Files for the test at the end, used once and for nothing else.",
            job => job.Data!.Test, (job, value) => Data(job, job.Data! with { Test = (DataFiles?)value }));
        yield return new("data.label", new TextType("first, last, a column's name, or its number from 0"),
            "The label's column: `first`, `last`, a name from the header, or a number from 0; for `mean-squared-error` also several, with commas between.",
            job => job.Data!.Label, (job, value) => Data(job, job.Data! with { Label = (string)value! })) { OnlyFor = "csv and parquet", AppliesTo = IsTable };
        yield return new("data.header", new WordType(("auto", null), ("true", true), ("false", false)),
            "Whether the first line names the columns; `auto`: it does when it holds a name that the job gives, or a text where a number is expected.",
            job => job.Data!.Header, (job, value) => Data(job, job.Data! with { Header = (bool?)value })) { OnlyFor = "csv", AppliesTo = IsCsv };
        yield return new("data.delimiter", new CharacterType(), "The character between fields.",
            job => job.Data!.Delimiter, (job, value) => Data(job, job.Data! with { Delimiter = (char)value! })) { OnlyFor = "csv", AppliesTo = IsCsv };
        yield return new("data.columns", new ColumnRulesType(),
            "A rule for each column that has missing values or categories: see [tables](#tables-missing-values-and-categories). Without one, anything but a finite number is refused.",
            job => job.Data!.Columns.Rules, (job, value) => Data(job, job.Data! with { Columns = job.Data!.Columns with { Rules = (ImmutableArray<(string, ColumnRule)>)value! } }))
        { OnlyFor = "csv and parquet", AppliesTo = IsTable };
        yield return new("data.ignore", new TextListType("a column's name or its number from 0"), "Columns that are neither features nor labels.",
            job => job.Data!.Columns.Ignore, (job, value) => Data(job, job.Data! with { Columns = job.Data!.Columns with { Ignore = (ImmutableArray<string>)value! } }))
        { OnlyFor = "csv and parquet", AppliesTo = IsTable };
        yield return new("data.size", new OptionalType(new Size2dType(1, 1 << 14)), "The size to which all images are scaled; null: they have one size.",
            job => job.Data!.ImageSize, (job, value) => Data(job, job.Data! with { ImageSize = (Size2d?)value }))
        { OnlyFor = "images", AppliesTo = IsImages };
        yield return new("data.channels", new WordType(("1", 1), ("3", 3)), "3 (red, green, blue) or 1 (grey).",
            job => job.Data!.Channels, (job, value) => Data(job, job.Data! with { Channels = (int)value! })) { OnlyFor = "images", AppliesTo = IsImages };
        yield return new("data.normalize", new WordType(("feature", NormalizeMode.Feature), ("channel", NormalizeMode.Channel), ("none", NormalizeMode.None)),
            "(x − m) / max(σ, ε) with the statistics of the training split alone: of each `feature`, of each image `channel`, or `none`. Categories keep their values.",
            job => job.Data!.Normalize, (job, value) => Data(job, job.Data! with { Normalize = (NormalizeMode)value! }));
    }

    private static JobKey ModelKey() => new("model", new ModelType(), "A list of modules is a chain; `nodes` and `output` make a graph. See the modules below.",
        job => job.Model, (job, value) => job with { Model = (ModelDefinition)value! }) { Required = true };

    private static IEnumerable<JobKey> LossKeys()
    {
        yield return new("loss.kind", new WordType(
                ("cross-entropy", LossKind.CrossEntropy), ("binary-cross-entropy", LossKind.BinaryCrossEntropy), ("mean-squared-error", LossKind.MeanSquaredError)),
            "`cross-entropy` on the log-softmax of the logits, `binary-cross-entropy` on one logit, or `mean-squared-error`.",
            job => job.Loss.Kind, (job, value) => job with { Loss = job.Loss with { Kind = (LossKind)value! } });
        yield return new("loss.classWeights", new ListType<float>(NotNegative), "A weight per class, in the order of the class names; empty weighs all alike. A batch whose samples all weigh 0 has no mean, and counts as `training.nonFinite` says.",
            job => job.Loss.ClassWeights, (job, value) => job with { Loss = job.Loss with { ClassWeights = (ImmutableArray<float>)value! } })
        { OnlyFor = "cross-entropy", AppliesTo = job => job.Loss.Kind == LossKind.CrossEntropy };
        yield return new("loss.labelSmoothing", ShareBelowOne, "The share of each sample's target that all classes share alike, as in PyTorch; in training, validation and test.",
            job => job.Loss.LabelSmoothing, (job, value) => job with { Loss = job.Loss with { LabelSmoothing = (double)value! } })
        { OnlyFor = "cross-entropy", AppliesTo = job => job.Loss.Kind == LossKind.CrossEntropy };
    }

    private static IEnumerable<JobKey> OptimizerKeys()
    {
        yield return new("optimizer.kind", new WordType(("sgd", OptimizerKind.Sgd), ("adam", OptimizerKind.Adam), ("adamw", OptimizerKind.AdamW)),
            "`sgd` (with momentum and Nesterov's variant if asked), `adam`, or `adamw` (Adam with decoupled decay).",
            job => job.Optimizer.Kind, (job, value) => Optimize(job, job.Optimizer with { Kind = (OptimizerKind)value! }));
        yield return new("optimizer.learningRate", Positive, "The learning rate η, before the schedule's factor.",
            job => job.Optimizer.LearningRate, (job, value) => Optimize(job, job.Optimizer with { LearningRate = (double)value! }));
        yield return new("optimizer.weightDecay", NotNegative, "Decoupled decay λ: each step scales the weights by 1 − ηλ. Coupled decay is `regularization.l2`.",
            job => job.Optimizer.WeightDecay, (job, value) => Optimize(job, job.Optimizer with { WeightDecay = (double)value! }))
        { OnlyFor = "sgd and adamw", AppliesTo = job => job.Optimizer.Kind != OptimizerKind.Adam };
        yield return new("optimizer.decayBiases", WordType.Boolean, "Whether decay and penalties apply to biases and norm scales too.",
            job => job.Optimizer.DecayBiases, (job, value) => Optimize(job, job.Optimizer with { DecayBiases = (bool)value! }));
        yield return new("optimizer.momentum", ShareBelowOne, "The momentum μ.",
            job => job.Optimizer.Momentum, (job, value) => Optimize(job, job.Optimizer with { Momentum = (double)value! })) { OnlyFor = "sgd", AppliesTo = IsSgd };
        yield return new("optimizer.nesterov", WordType.Boolean, "Nesterov's variant; needs a momentum above 0.",
            job => job.Optimizer.Nesterov, (job, value) => Optimize(job, job.Optimizer with { Nesterov = (bool)value! })) { OnlyFor = "sgd", AppliesTo = IsSgd };
        yield return new("optimizer.beta1", ShareBelowOne, "β₁, of the first moment.",
            job => job.Optimizer.Beta1, (job, value) => Optimize(job, job.Optimizer with { Beta1 = (double)value! })) { OnlyFor = "adam and adamw", AppliesTo = IsAdam };
        yield return new("optimizer.beta2", ShareBelowOne, "β₂, of the second moment.",
            job => job.Optimizer.Beta2, (job, value) => Optimize(job, job.Optimizer with { Beta2 = (double)value! })) { OnlyFor = "adam and adamw", AppliesTo = IsAdam };
        yield return new("optimizer.epsilon", Positive, "ε, added to the root of the second moment.",
            job => job.Optimizer.Epsilon, (job, value) => Optimize(job, job.Optimizer with { Epsilon = (double)value! })) { OnlyFor = "adam and adamw", AppliesTo = IsAdam };
        yield return new("optimizer.clipNorm", new OptionalType(Positive), "Clips the gradient, penalties included, to this global norm; null for no clipping.",
            job => job.Optimizer.ClipNorm, (job, value) => Optimize(job, job.Optimizer with { ClipNorm = (double?)value }));
        yield return new("optimizer.emaDecay", new OptionalType(ShareBelowOne),
            "Keeps an exponential moving average of the weights with this decay (0.999, say); the average is what is validated and kept as the model. Null for none.",
            job => job.Optimizer.EmaDecay, (job, value) => Optimize(job, job.Optimizer with { EmaDecay = (double?)value }));
        yield return new("regularization.l1", NotNegative, "α of α·Σ|w|: the gradient gains α·sign(w).",
            job => job.Regularization.L1, (job, value) => job with { Regularization = job.Regularization with { L1 = (double)value! } });
        yield return new("regularization.l2", NotNegative, "α of α·‖w‖²: the gradient gains 2αw (PyTorch's `weight_decay` of SGD and Adam is 2α).",
            job => job.Regularization.L2, (job, value) => job with { Regularization = job.Regularization with { L2 = (double)value! } });
    }

    private static IEnumerable<JobKey> ScheduleKeys()
    {
        yield return new("schedule.kind", new WordType(
                ("constant", ScheduleKind.Constant), ("step", ScheduleKind.Step), ("exponential", ScheduleKind.Exponential),
                ("cosine", ScheduleKind.Cosine), ("one-cycle", ScheduleKind.OneCycle), ("plateau", ScheduleKind.Plateau)),
            "`constant`; `step` (times `factor` every `everyEpochs`); `exponential` (times `factor` every epoch); `cosine` (from 1 to `minimum` over the run); "
            + "`one-cycle` (up to 1, then down to `minimum`); `plateau` (times `factor` when the validation loss has not fallen for `patience` epochs).",
            job => job.Schedule.Kind, (job, value) => Schedule(job, job.Schedule with { Kind = (ScheduleKind)value! }));
        yield return new("schedule.warmupSteps", new IntegerType(0, long.MaxValue), "Linear warm-up over this many steps before the schedule starts; 0 for none.",
            job => (Int128)job.Schedule.WarmupSteps, (job, value) => Schedule(job, job.Schedule with { WarmupSteps = (long)(Int128)value! }))
        { OnlyFor = "all kinds but one-cycle", AppliesTo = job => job.Schedule.Kind != ScheduleKind.OneCycle };
        yield return new("schedule.factor", ShareUpToOne, "What the rate is multiplied by.",
            job => job.Schedule.Factor, (job, value) => Schedule(job, job.Schedule with { Factor = (double)value! }))
        { OnlyFor = "step, exponential and plateau", AppliesTo = job => job.Schedule.Kind is ScheduleKind.Step or ScheduleKind.Exponential or ScheduleKind.Plateau };
        yield return new("schedule.everyEpochs", Count, "Epochs between two changes.",
            job => (Int128)job.Schedule.EveryEpochs, (job, value) => Schedule(job, job.Schedule with { EveryEpochs = (int)(Int128)value! }))
        { OnlyFor = "step", AppliesTo = job => job.Schedule.Kind == ScheduleKind.Step };
        yield return new("schedule.minimum", new NumberType { Minimum = 0, Maximum = 1 }, "The lowest factor.",
            job => job.Schedule.Minimum, (job, value) => Schedule(job, job.Schedule with { Minimum = (double)value! }))
        { OnlyFor = "cosine, one-cycle and plateau", AppliesTo = job => job.Schedule.Kind is ScheduleKind.Cosine or ScheduleKind.OneCycle or ScheduleKind.Plateau };
        yield return new("schedule.patience", new IntegerType(0, int.MaxValue), "Epochs without improvement before the factor applies.",
            job => (Int128)job.Schedule.Patience, (job, value) => Schedule(job, job.Schedule with { Patience = (int)(Int128)value! }))
        { OnlyFor = "plateau", AppliesTo = job => job.Schedule.Kind == ScheduleKind.Plateau };
        yield return new("schedule.riseShare", new NumberType { Minimum = 0, AboveMinimum = true, Maximum = 1, BelowMaximum = true }, "The share of all steps in which the rate rises.",
            job => job.Schedule.RiseShare, (job, value) => Schedule(job, job.Schedule with { RiseShare = (double)value! })) { OnlyFor = "one-cycle", AppliesTo = IsOneCycle };
        yield return new("schedule.initialFactor", ShareUpToOne, "The factor at the first step.",
            job => job.Schedule.InitialFactor, (job, value) => Schedule(job, job.Schedule with { InitialFactor = (double)value! })) { OnlyFor = "one-cycle", AppliesTo = IsOneCycle };
    }

    private static IEnumerable<JobKey> TrainingKeys()
    {
        yield return new("training.epochs", Count, "Passes over the training data.",
            job => (Int128)job.Training.Epochs, (job, value) => Train(job, job.Training with { Epochs = (int)(Int128)value! }));
        yield return new("training.batch", Count, "Samples per step, all workers together. The last batch of an epoch may be short.",
            job => (Int128)job.Training.Batch, (job, value) => Train(job, job.Training with { Batch = (int)(Int128)value! }));
        yield return new("training.slice", Count, "Samples per slice, the unit of the canonical sum.",
            job => (Int128)job.Training.Slice, (job, value) => Train(job, job.Training with { Slice = (int)(Int128)value! }));
        yield return new("training.seed", new IntegerType(0, ulong.MaxValue), "The key of all randomness: split, shuffle, dropout, augmentation and initial weights.",
            job => (Int128)job.Training.Seed, (job, value) => Train(job, job.Training with { Seed = (ulong)(Int128)value! }));
        yield return new("training.shuffle", new WordType(("epoch", ShuffleMode.Epoch), ("once", ShuffleMode.Once), ("none", ShuffleMode.None)),
            "A new order each `epoch`, one shuffled order for the run (`once`), or the data's own (`none`).",
            job => job.Training.Shuffle, (job, value) => Train(job, job.Training with { Shuffle = (ShuffleMode)value! }));
        yield return new("training.initialization", new WordType(("kaiming", InitializationScheme.Kaiming), ("pytorch", InitializationScheme.PyTorch)),
            "`kaiming`: uniform over fan-in with the gain of the activation that follows, biases 0; `pytorch`: weights and biases uniform in ±1/√fan-in.",
            job => job.Training.Initialization, (job, value) => Train(job, job.Training with { Initialization = (InitializationScheme)value! }));
        yield return new("training.initializeFrom.file", new TextType("a file's name"), "The file; relative to the job file.",
            job => job.Training.InitializeFrom!.File, (job, value) => InitializeFrom(job, start => start with { File = (string)value! })) { Required = true };
        yield return new("training.initializeFrom.skip", new TextListType("a name, * for any characters"),
            "Names that are neither expected in the file nor taken from it (`\"fc3.*\"`): those parameters start at random.",
            job => job.Training.InitializeFrom!.Skipped, (job, value) => InitializeFrom(job, start => start with { Skipped = (ImmutableArray<string>)value! }));
        yield return new("training.initializeFrom.sha256", new OptionalType(new TextType("64 hexadecimal digits")),
            "The file's SHA-256: another file is refused. Left out, it is filled in and recorded, so that the file is a part of the job.",
            job => job.Training.InitializeFrom!.Sha256, (job, value) => InitializeFrom(job, start => start with { Sha256 = ((string?)value)?.ToLowerInvariant() }));
        yield return new("training.initializeFrom.optimizer", new OptionalType(new TextType("a file's name")),
            "A second file, of the optimizer's state under PyTorch's words (`fc1.weight.exp_avg`, `step`); null starts the optimizer anew.",
            job => job.Training.InitializeFrom!.Optimizer, (job, value) => InitializeFrom(job, start => start with { Optimizer = (string?)value }));
        yield return new("training.initializeFrom.optimizerSha256", new OptionalType(new TextType("64 hexadecimal digits")), "The second file's SHA-256, as `sha256`.",
            job => job.Training.InitializeFrom!.OptimizerSha256, (job, value) => InitializeFrom(job, start => start with { OptimizerSha256 = ((string?)value)?.ToLowerInvariant() }));
        yield return new("training.earlyStopping.patience", Count, "Epochs without improvement before the run stops.",
            job => (Int128)job.Training.EarlyStopping!.Patience,
            (job, value) => Train(job, job.Training with { EarlyStopping = job.Training.EarlyStopping! with { Patience = (int)(Int128)value! } }));
        yield return new("training.earlyStopping.minimumImprovement", NotNegative, "How much lower the validation loss must be to count.",
            job => job.Training.EarlyStopping!.MinimumImprovement,
            (job, value) => Train(job, job.Training with { EarlyStopping = job.Training.EarlyStopping! with { MinimumImprovement = (double)value! } }));
        yield return new("training.nonFinite", new WordType(("stop", NonFinitePolicy.Stop), ("skip", NonFinitePolicy.Skip)),
            "What to do with a NaN or an infinity in a gradient: `stop` the run with a sentence that names step, slices and layer, or `skip` the step.",
            job => job.Training.NonFinite, (job, value) => Train(job, job.Training with { NonFinite = (NonFinitePolicy)value! }));
        yield return new("checkpoints.everySeconds", new OptionalType(Positive), "Seconds between checkpoints; null for none by time.",
            job => job.Checkpoints.EverySeconds, (job, value) => job with { Checkpoints = job.Checkpoints with { EverySeconds = (double?)value } });
        yield return new("checkpoints.everySteps", new OptionalType(new IntegerType(1, long.MaxValue)), "Steps between checkpoints; null for none by step.",
            job => (Int128?)job.Checkpoints.EverySteps, (job, value) => job with { Checkpoints = job.Checkpoints with { EverySteps = (long?)(Int128?)value } });
        yield return new("checkpoints.keep", Count, "How many of the latest are kept; the best is kept besides.",
            job => (Int128)job.Checkpoints.Keep, (job, value) => job with { Checkpoints = job.Checkpoints with { Keep = (int)(Int128)value! } });
    }

    private static bool IsCsv(Job job) => job.Data?.Format == DataFormat.Csv;

    private static bool IsTable(Job job) => job.Data?.Format is DataFormat.Csv or DataFormat.Parquet;

    private static bool IsImages(Job job) => job.Data?.Format == DataFormat.Images;

    private static bool IsSgd(Job job) => job.Optimizer.Kind == OptimizerKind.Sgd;

    private static bool IsAdam(Job job) => job.Optimizer.Kind != OptimizerKind.Sgd;

    private static bool IsOneCycle(Job job) => job.Schedule.Kind == ScheduleKind.OneCycle;

    private static Job Data(Job job, DataOptions options) => job with { Data = options };

    private static Job Optimize(Job job, OptimizerOptions options) => job with { Optimizer = options };

    private static Job Schedule(Job job, ScheduleOptions options) => job with { Schedule = options };

    private static Job InitializeFrom(Job job, Func<InitializeFromOptions, InitializeFromOptions> change) =>
        Train(job, job.Training with { InitializeFrom = change(job.Training.InitializeFrom!) });

    private static Job Train(Job job, TrainingOptions options) => job with { Training = options };
}

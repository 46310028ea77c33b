using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Optimizers;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Local.Tests;

/// <summary>The optical digits and a job over them that switches on everything that could depend on who computes what.</summary>
internal static class Digits
{
    private static readonly DataOptions Options = new()
    {
        BaseFolder = AppContext.BaseDirectory,
        Train = new DataFiles("digits.csv.gz"),
        ValidationShare = 0.2,
    };

    public static LoadedData Data { get; } = DataLoader.Load(Options, LossKind.CrossEntropy, 1, null);

    /// <summary>The same, each sample an image of 8×8.</summary>
    public static LoadedData Images { get; } = AsImages();

    public static Job Job(int batch, int slice, int epochs, int hidden = 24) => new()
    {
        Model = ModelDefinition.Chain(new Linear(hidden), new Relu(), new Dropout(0.2), new Linear(10)),
        Optimizer = new OptimizerOptions { LearningRate = 5e-3, WeightDecay = 1e-3, ClipNorm = 1 },
        Schedule = new ScheduleOptions { Kind = ScheduleKind.Cosine, WarmupSteps = 3 },
        Training = new TrainingOptions { Batch = batch, Slice = slice, Epochs = epochs, Seed = 7, EarlyStopping = new EarlyStoppingOptions(1, 0.02) },
        Checkpoints = new CheckpointOptions { EverySeconds = null, EverySteps = 2, Keep = 2 },
    };

    /// <summary>The same over <see cref="Images"/>, with every augmentation and an average of the weights.</summary>
    public static Job ImageJob(int batch, int slice, int epochs, int hidden = 24) => Averaged(Job(batch, slice, epochs)) with
    {
        Model = ModelDefinition.Chain(new RandomCrop(2), new RandomFlip(), new Cutout(3), new Flatten(), new Linear(hidden), new Relu(), new Dropout(0.2), new Linear(10)),
    };

    /// <summary>The same with batch normalisation of images and of features, and in one branch of a Select, where slices have any number of samples, and an average of the weights.</summary>
    public static Job NormalisedJob(int batch, int slice, int epochs)
    {
        ModelDefinition branch = ModelDefinition.Chain(new Linear(12), new BatchNorm(), new Relu());
        Select select = new(SelectRule.Threshold(3, 0.3f), [branch, ModelDefinition.Chain(new Linear(12), new Relu())]);
        return Averaged(Job(batch, slice, epochs)) with
        {
            Model = ModelDefinition.Chain(
                new RandomCrop(2), new RandomFlip(), new Cutout(3), new BatchNorm(), new Flatten(), new Linear(24), new BatchNorm(), new Relu(), new Dropout(0.2), select,
                new BatchNorm(affine: false), new Linear(10)),
        };
    }

    /// <summary>The same with convolutions, pools and the norms between them.</summary>
    public static Job ConvolutionalJob(int batch, int slice, int epochs) => Averaged(Job(batch, slice, epochs)) with
    {
        Model = ModelDefinition.Chain(
            new RandomCrop(1), new RandomFlip(), new Conv2d(6, 3, padding: 1), new BatchNorm(), new Relu(), new MaxPool2d(2),
            new Conv2d(20, 3, stride: 2, padding: 1, groups: 2), new GroupNorm(4), new Gelu(), new AvgPool2d(2), new Flatten(), new LayerNorm(), new Dropout(0.1), new Linear(10)),
    };

    /// <summary>The same with a convolution whose three products go by Winograd.</summary>
    public static Job WinogradJob(int batch, int slice, int epochs) => Averaged(Job(batch, slice, epochs)) with
    {
        Model = ModelDefinition.Chain(
            new RandomCrop(1), new RandomFlip(), new Conv2d(16, 3, padding: 1), new Relu(), new MaxPool2d(2), new Conv2d(17, 3, padding: 1), new Relu(), new Flatten(), new Linear(10)),
    };

    /// <summary>The same job with an average of the weights.</summary>
    public static Job Averaged(Job job) => job with { Optimizer = job.Optimizer with { EmaDecay = 0.8 } };

    private static LoadedData AsImages()
    {
        Dataset data = Data.Train.Data;
        float[] inputs = new float[data.Count * data.InputShape.Length];
        data.CopyInputs([.. Enumerable.Range(0, data.Count)], inputs);
        FloatDataset images = new(new Shape(1, 8, 8), inputs, SampleLabels.Classes(data.Labels.ToArray(), data.ClassNames));
        return Data with { Train = Data.Train with { Data = images }, Validation = Data.Validation! with { Data = images } };
    }
}

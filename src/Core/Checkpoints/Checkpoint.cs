using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Optimizers;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Checkpoints;

/// <summary>What a model needs besides its parameters to be used: what goes in, what comes out.</summary>
/// <param name="InputShape">The shape of one sample's input.</param>
/// <param name="ClassNames">The class names, in the order of their indexes; empty for a regression.</param>
/// <param name="Normalization">Mean and deviation of the training split; null where inputs are not normalised.</param>
public sealed record ModelInfo(Shape InputShape, ImmutableArray<string> ClassNames, NormalizationStatistics? Normalization)
{
    /// <summary>Targets of one sample; 0 for a classification.</summary>
    public int TargetWidth { get; init; }

    /// <summary>The names of the features, where the training file had a header; else empty.</summary>
    public ImmutableArray<string> FeatureNames { get; init; } = [];

    /// <summary>A table with rules for columns: how each becomes features; else empty.</summary>
    public ImmutableArray<FeatureColumn> Columns { get; init; } = [];

    /// <summary>What further data must fit.</summary>
    public DataExpectation Expectation => new(InputShape, ClassNames, TargetWidth) { FeatureNames = FeatureNames, Columns = Columns };

    /// <summary>The info of a model that is trained on these data.</summary>
    public static ModelInfo Of(LoadedData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new(data.Train.Data.InputShape, data.ClassNames, data.Normalization)
        {
            TargetWidth = data.Train.Data.TargetWidth,
            FeatureNames = data.FeatureNames,
            Columns = data.Columns,
        };
    }
}

/// <summary>Everything a run needs to go on at the exact step, and everything a model needs to be used.</summary>
public sealed record Checkpoint
{
    /// <summary>The training state.</summary>
    public required TrainingState State { get; init; }

    /// <summary>The job, as JSON; kept as the very text.</summary>
    public required string JobJson { get; init; }

    /// <summary>What the model takes and gives.</summary>
    public required ModelInfo Model { get; init; }

    /// <summary>The data's fingerprint (<see cref="LoadedData.Fingerprint"/>).</summary>
    public required string DataFingerprint { get; init; }

    /// <summary>Parameters and buffers (running statistics of norms); their layout is the checkpoint's.</summary>
    public required Arena Parameters { get; init; }

    /// <summary>The optimizer's slots by name, <c>firstMoment</c>, all in the parameters' layout; +0 where that has a buffer.</summary>
    public IReadOnlyDictionary<string, Arena> Slots { get; init; } = ImmutableDictionary<string, Arena>.Empty;

    /// <summary>The best parameters so far, with the buffers of then, in the parameters' layout; null where they are not kept.</summary>
    public Arena? Best { get; init; }

    /// <summary>The parameters of the model at this point, those that a validation judges: the average of the weights where one is kept, else <see cref="Parameters"/>; and the buffers of now.</summary>
    public Arena ModelParameters()
    {
        if (!Slots.TryGetValue(WeightAverage.SlotName, out Arena? average))
        {
            return Parameters;
        }

        Arena model = new(Parameters.Layout);
        Parameters.Span.CopyTo(model.Span);
        WeightAverage.Copy(average, model);
        return model;
    }

    /// <summary>Whether this is the end of the epoch with the lowest validation loss so far.</summary>
    public bool IsBest => State.BestEpoch > 0 && State.BestEpoch == State.Epoch && State.StepInEpoch == 0;
}

using System.Collections.Immutable;
using DistNet.Kernels;
using DistNet.Training;

namespace DistNet.Optimizers;

/// <summary>The scalars of one update, in double: each rule says how it rounds them to float.</summary>
/// <param name="LearningRate">η, the schedule's factor included.</param>
/// <param name="Beta1Power">β₁^t, where t counts this update too.</param>
/// <param name="Beta2Power">β₂^t.</param>
/// <param name="ClipFactor">What every gradient is multiplied by first: the clipping coefficient, or 1, which changes no bit.</param>
/// <param name="AverageShare">The share of the new weights in their average: <see cref="WeightAverage.Share"/>.</param>
public readonly record struct UpdateScalars(double LearningRate, double Beta1Power, double Beta2Power, double ClipFactor, double AverageShare = 1)
{
    /// <summary>The scalars of the update that follows a training state.</summary>
    public static UpdateScalars After(TrainingState state, OptimizerOptions options, double learningRate, double clipFactor)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(options);
        double share = options.EmaDecay is double decay ? WeightAverage.Share(decay, state) : 1;
        return new(learningRate, state.Beta1Power * options.Beta1, state.Beta2Power * options.Beta2, clipFactor, share);
    }
}

/// <summary>Equal ranges of the parameters, their gradient and their slots. The length is a multiple of 16 floats: arenas are padded to that, and every
/// rule keeps a padding of +0.</summary>
public readonly ref struct UpdateBlock
{
    /// <summary>The parameters w; updated.</summary>
    public required Span<float> Parameters { get; init; }

    /// <summary>The gradient g at the root, once it is multiplied by <see cref="GradientScale"/>: divided by the weight, penalties added, not yet clipped.</summary>
    public required ReadOnlySpan<float> Gradient { get; init; }

    /// <summary>What <see cref="Gradient"/> is still to be multiplied by: 1, or a power of two where nothing is clipped, so that one product with both factors has the bits of two.</summary>
    public float GradientScale { get; init; } = 1;

    /// <summary>A block without a slot.</summary>
    public UpdateBlock()
    {
    }

    /// <summary>The first of <see cref="UpdateRule.SlotNames"/>, where there is one; updated.</summary>
    public Span<float> Slot0 { get; init; }

    /// <summary>The second, where there is one; updated.</summary>
    public Span<float> Slot1 { get; init; }

    /// <summary>The average of the weights, where one is kept, else empty; updated, as <see cref="WeightAverage"/> says, with the weights just made.</summary>
    public Span<float> Average { get; init; }

    /// <summary>Whether decoupled weight decay applies to these parameters.</summary>
    public bool Decayed { get; init; }
}

/// <summary>An optimizer as a pure rule over flat spans: the caller owns parameters and slots, so that slots are saved and hashed as parameters are.</summary>
/// <remarks>Each rule is element by element and written out operation by operation, so its bits depend neither on the vector width nor on how the
/// arena is cut into blocks.</remarks>
public abstract class UpdateRule
{
    /// <summary>The names of the slots, in order; at most two. Every slot starts at +0.</summary>
    public abstract ImmutableArray<string> SlotNames { get; }

    /// <summary>The rule that a job's options name.</summary>
    public static UpdateRule For(OptimizerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Kind == OptimizerKind.Sgd ? new Sgd(options) : new Adam(options);
    }

    /// <summary>Updates one block of parameters and slots.</summary>
    /// <param name="unit">The vector unit.</param>
    /// <param name="scalars">The update's scalars, the same for every block.</param>
    /// <param name="block">The block.</param>
    public abstract void Update(VectorUnit unit, in UpdateScalars scalars, UpdateBlock block);

    /// <summary>What decoupled decay multiplies the parameters by before the step: 1 − ηλ, in double, rounded once; exactly 1 where they do not decay.</summary>
    protected static float Keep(OptimizerOptions options, double learningRate, bool decayed)
    {
        ArgumentNullException.ThrowIfNull(options);
        return decayed ? (float)(1 - (learningRate * options.WeightDecay)) : 1;
    }
}
